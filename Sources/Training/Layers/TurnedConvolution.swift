import Files
import Inference
import Threads

/// With stride 1 the input's gradient is a convolution of the output's: by kernels turned by half a circle, inputs and
/// outputs in each other's place.
///
/// - Source: Dumoulin and Visin 2016, arXiv:1603.07285, §4.
final class TurnedConvolution: ConvolutionInputGradient, @unchecked Sendable {  // guard: `prepare` has no company
    private let layer: Conv2d
    private let shape: ConvolutionShape
    /// `[C, O / groups, KH, KW]`
    private let kernels: AlignedBuffer
    private let algorithm: Algorithm
    private var operation: (any Operation)?
    private let memory: BufferPool

    static func computes(_ shape: ConvolutionShape) -> Bool {
        let window = shape.window
        return window.stride == 1 && window.padding.height < window.kernelSize.height
            && window.padding.width < window.kernelSize.width
    }

    init(_ layer: Conv2d, _ shape: ConvolutionShape, memory: BufferPool) {
        self.layer = layer
        self.shape = shape
        self.memory = memory
        let (kernelSize, padding) = (shape.window.kernelSize, shape.window.padding)
        kernels = AlignedBuffer(byteCount: layer.weight.shape.elementCount * MemoryLayout<Float>.stride)
        let turned = Conv2d(
            weight: Tensor(
                [shape.input[0], shape.outputsPerGroup, kernelSize.height, kernelSize.width], viewing: kernels,
                byteOffset: 0),
            bias: Tensor([shape.input[0]], scalars: Array(repeating: 0, count: shape.input[0])),
            padding: Size2d(
                height: kernelSize.height - 1 - padding.height, width: kernelSize.width - 1 - padding.width),
            groups: shape.groups)
        algorithm = .cheapest(of: turned, input: shape.output, activation: nil)
    }

    private var prepared: any Operation {
        guard let operation else { preconditionFailure("a convolution runs before it is prepared") }
        return operation
    }

    func scratchByteCount(batchSize: Int) -> Int { prepared.scratchByteCount(batchSize: batchSize) }

    func prepare(_ workers: WorkerPool) {
        operation = nil
        workers.parallelForBlocks(shape.input[0], blockSize: 8) { input, _ in self.turn(input) }
        operation = algorithm.make(workers, memory: memory)
    }

    /// The kernels that lead to one input channel.
    private func turn(_ input: Int) {
        let places = shape.window.kernelSize.height * shape.window.kernelSize.width
        let (group, channel) = (input / shape.inputsPerGroup, input % shape.inputsPerGroup)
        let target = kernels.bytes.assumingMemoryBound(to: Float.self)
        layer.weight.withUnsafeScalars { weight in
            for output in 0..<shape.outputsPerGroup {
                let from = ((group * shape.outputsPerGroup + output) * shape.inputsPerGroup + channel) * places
                let to = (input * shape.outputsPerGroup + output) * places
                for place in 0..<places { target[to + places - 1 - place] = weight[from + place] }
            }
        }
    }

    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>) {
        prepared.run(run.predicting(from: run.outputGradient, to: gradient))
    }
}
