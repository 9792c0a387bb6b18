import Inference

/// One picture of a request, in the form it came in.
public enum PictureInput: Sendable {
    /// A JPEG, PNG or WebP file, where it lies in the request's body.
    case encoded(ArraySlice<UInt8>)
    /// What such a file decodes to; the model's preprocessing follows.
    case pixels(PixelImage)
    /// The network's input, preprocessed by the client. Shape: ``Preprocessing/tensorShape``.
    case tensor(Tensor)

    /// What it holds while it waits. Units: bytes.
    var byteCount: Int {
        switch self {
        case .encoded(let bytes): bytes.count
        case .pixels(let image): image.pixels.count
        case .tensor(let tensor): tensor.shape.elementCount * MemoryLayout<Float>.stride
        }
    }

    /// The network's input.
    ///
    /// Shape: ``Preprocessing/tensorShape``.
    /// - Parameters:
    ///   - cost: what the picture was admitted with.
    ///   - timing: what it took is added to this.
    ///   - shouldStop: asked every few milliseconds; true ends it with ``ImageError/stopped``.
    func tensor(
        for preprocessing: Preprocessing, decoder: ImageDecoder, cost: ImageCost, timing: inout ImageDecoder.Timing,
        shouldStop: @escaping () -> Bool
    ) throws(ImageError) -> Tensor {
        switch self {
        case .encoded(let bytes):
            if let limit = decoder.maxHeldBytes, cost.heldByteCount > limit {
                throw .tooMuchHeld(byteCount: cost.heldByteCount, limit: limit)
            }
            // What has too many pixels was counted as none, and is told by the codec's own size.
            return try decoder.input(
                bytes, for: preprocessing, announced: cost.pixelCount, timing: &timing, shouldStop: shouldStop)
        case .pixels(let image):
            let start = ContinuousClock.now
            defer { timing.preprocessing += .now - start }
            return preprocessing(image)
        case .tensor(let tensor): return tensor
        }
    }
}
