import Inference

/// One image of a request, in the form it came in.
public enum ImageInput: Sendable {
    /// A JPEG, PNG or WebP file, as a slice of the request's body.
    case encoded(ArraySlice<UInt8>)
    /// Decoded pixels; the model's preprocessing follows.
    case pixels(PixelImage)
    /// The network's input, preprocessed by the client. Shape: ``Preprocessing/tensorShape``.
    case tensor(Tensor)

    /// The memory that it holds while it waits. Units: bytes.
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
    ///   - cost: the estimate that the image was admitted with.
    ///   - timing: the time taken is added to this.
    ///   - shouldStop: asked every few milliseconds; true ends the decoding.
    /// - Throws: ``ImageError``; ``ImageError/stopped`` if `shouldStop` returned true.
    func tensor(
        for preprocessing: Preprocessing, decoder: ImageDecoder, cost: ImageCost, timing: inout ImageDecoder.Timing,
        shouldStop: @escaping () -> Bool
    ) throws(ImageError) -> Tensor {
        switch self {
        case .encoded(let bytes):
            if let limit = decoder.maxWorkingBytes, cost.workingByteCount > limit {
                throw .tooMuchHeld(byteCount: cost.workingByteCount, limit: limit)
            }
            // An image over `maxPixels` was admitted with a count of 0: the codec finds its size and refuses it.
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

/// The resources that an image takes, estimated from its header before it is decoded.
struct ImageCost: Equatable, Sendable {
    /// The memory that it holds while it waits: its encoded bytes and the network's input. Units: bytes.
    var byteCount: Int
    /// Pixels to be decoded or resized; 0 for a tensor, and for a file without a recognised header. Units: pixels.
    var pixelCount = 0
    /// The memory that its codec holds while it decodes. Units: bytes.
    var workingByteCount = 0
    /// Whether its codec asks in between whether to yield.
    var isDivisible = true
    /// The time to decode and preprocess it. Units: nanoseconds.
    var nanoseconds = Self.leastNanoseconds

    /// The time for an image of a few pixels. Units: nanoseconds.
    static let leastNanoseconds = 50_000
    /// The time for each encoded byte. Units: nanoseconds.
    private static let timePerByte = 5
    /// The time to resize each pixel that is decoded already. Units: nanoseconds.
    private static let timePerPixel = 3

    init(
        byteCount: Int, pixelCount: Int = 0, workingByteCount: Int = 0, isDivisible: Bool = true,
        nanoseconds: Int = Self.leastNanoseconds
    ) {
        self.byteCount = byteCount
        self.pixelCount = pixelCount
        self.workingByteCount = workingByteCount
        self.isDivisible = isDivisible
        self.nanoseconds = nanoseconds
    }

    /// Estimates the cost of an image.
    ///
    /// - Parameters:
    ///   - maxPixels: images that have more are refused before they are decoded, and cost nothing.
    ///   - inputByteCount: the size of the network's input. Units: bytes.
    init(of image: ImageInput, maxPixels: Int, inputByteCount: Int) {
        self.init(byteCount: image.byteCount + inputByteCount)
        switch image {
        case .encoded(let bytes):
            nanoseconds += bytes.count * Self.timePerByte
            guard let header = ImageHeader(bytes), header.pixelCount <= maxPixels else { return }
            pixelCount = header.pixelCount
            workingByteCount = header.workingByteCount
            isDivisible = header.isDivisible
            nanoseconds += header.estimatedNanoseconds
        case .pixels(let image):
            pixelCount = image.width * image.height
            nanoseconds += pixelCount * Self.timePerPixel
        case .tensor: break
        }
    }
}
