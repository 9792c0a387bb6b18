import Inference

/// What takes a thread for a while: decoding an image, and running the network.
///
/// ``LocalComputation`` does it. The simulation has its own (Tests/Simulation), which takes no time of the machine's.
protocol ImageComputation: Sendable {
    /// The most pixels that an image may have.
    var maxPixels: Int { get }

    /// The network's input, see ``ImageInput/tensor(for:decoder:cost:timing:shouldStop:)``.
    func tensor(
        of image: ImageInput, for preprocessing: Preprocessing, cost: ImageCost, timing: inout ImageDecoder.Timing,
        shouldStop: @escaping () -> Bool
    ) throws(ImageError) -> Tensor

    /// The logits of a batch, see ``Inference/Model/logits(_:)``.
    func logits(of inputs: [Tensor], by model: Model) -> [[Float]]
}

/// Computes on the threads that call it.
struct LocalComputation: ImageComputation {
    let decoder: ImageDecoder

    var maxPixels: Int { decoder.maxPixels }

    func tensor(
        of image: ImageInput, for preprocessing: Preprocessing, cost: ImageCost, timing: inout ImageDecoder.Timing,
        shouldStop: @escaping () -> Bool
    ) throws(ImageError) -> Tensor {
        try image.tensor(for: preprocessing, decoder: decoder, cost: cost, timing: &timing, shouldStop: shouldStop)
    }

    func logits(of inputs: [Tensor], by model: Model) -> [[Float]] { model.logits(inputs) }
}
