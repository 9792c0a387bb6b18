import Inference

/// The result for one image: the network's outputs before the softmax, one for each class, or why there are none.
public typealias Prediction = Result<[Float], ImageFailure>

/// Why one image has no answer.
public enum ImageFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The image could not be decoded.
    case unreadable(ImageError)
    /// The network's outputs for a decoded image overflowed.
    case notFinite
    /// The network's outputs overflowed for a tensor that the client sent; `largest` is its largest absolute value.
    case overflow(largest: Float)

    /// One plain sentence.
    public var description: String {
        switch self {
        case .unreadable(let error): error.description(naming: .configuration)
        case .notFinite: "The model answers this image with values that are not finite; its weights are too large."
        case .overflow(let largest):
            "The tensor's values, up to \(largest), overflow in the network; send the input as the model's preprocessing makes it, "
                + "which is a few units large."
        }
    }
}

/// Why a whole request for predictions has no answer.
public enum PredictionError: Error, Equatable, Sendable {
    /// The queue has too little room for the request's images; `reason` is the resource: images, bytes or pixels.
    case queueFull(reason: String)
    /// The request's images have more pixels in total than one request may have. Units: pixels.
    case tooManyPixels(found: Int, limit: Int)
    /// The answer was not ready by the deadline.
    case deadlineExceeded
    /// The client no longer waits for the answer.
    case cancelled
}

/// The answer to one request: the result for each image, and the time taken.
public struct PredictionReport: Sendable {
    /// In the order of the request's images.
    public let predictions: [Prediction]
    /// The largest batch that one of them ran in. Units: images.
    public let batchSize: Int
    /// The longest wait of one of them for the network, once it was decoded.
    public let queueWait: Duration
    /// Decoding and preprocessing of all images, added up.
    public let decoding: Duration
    /// The longest time that a batch of theirs took.
    public let inference: Duration
    /// The network's inputs by the images' indices, where they were asked for. Shape: `[H, W, C]` each.
    var inputs: [Int: Tensor] = [:]
}

extension ImageError.LimitNames {
    /// The configuration's keys.
    static let configuration = Self(pixels: "images.max_pixels", heldBytes: "images.decode_bytes")
}
