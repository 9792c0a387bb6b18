import Inference

/// What became of one picture: the network's outputs before the soft-max, one a class, or why there are none.
public typealias Prediction = Result<[Float], PictureFailure>

/// Why one picture has no answer.
public enum PictureFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(ImageError)
    /// The network's outputs overflowed.
    case notFinite
    /// They did so for a tensor that the client had sent.
    case overflow(largest: Float)

    /// One plain sentence.
    public var description: String {
        switch self {
        case .unreadable(let error): error.description(naming: .configuration)
        case .notFinite: "The model answers this picture with values that are not finite; its weights are too large."
        case .overflow(let largest):
            "The tensor's values, up to \(largest), overflow in the network; send the input as the model's preprocessing makes it, "
                + "which is a few units large."
        }
    }
}

/// The answer to one request: what became of each picture, and what it took.
public struct PredictionReport: Sendable {
    /// In the order of the request's pictures.
    public let predictions: [Prediction]
    /// The largest batch that one of them ran in. Units: images.
    public let batchSize: Int
    /// The longest that one of them waited for the network once it was decoded.
    public let queueWait: Duration
    /// Decoding and preprocessing, all pictures together.
    public let decoding: Duration
    /// The longest time that a batch of theirs took.
    public let inference: Duration
}

extension ImageError.LimitNames {
    /// The configuration's keys.
    static let configuration = Self(pixels: "images.max_pixels", heldBytes: "images.decode_bytes")
}

/// Why a request for predictions has no answer at all.
public enum PredictionError: Error, Equatable, Sendable {
    /// The queue has no place for all of its images.
    case queueFull(reason: String)
    /// Its images have more pixels in all than one request may.
    case tooManyPixels(found: Int, limit: Int)
    /// The answer did not come in time.
    case deadlineExceeded
    /// Nobody waits for the answer any more.
    case cancelled
}
