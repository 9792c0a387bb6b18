import HTTPTypes
import Inference

extension ImageError {
    /// The status that a picture's error deserves (DESIGN: the HTTP contract).
    var status: HTTPResponse.Status {
        switch self {
        case .unsupportedFormat, .unsupportedVariety: .unsupportedMediaType
        case .tooManyPixels, .sideTooLong, .outOfMemory, .tooMuchHeld: .contentTooLarge
        // Whoever gave it up is told so, and not this.
        case .stopped: .serviceUnavailable
        case .empty, .corrupt, .truncated: .badRequest
        }
    }
}

extension PictureFailure {
    /// The status that a picture would have been answered with alone.
    var status: HTTPResponse.Status {
        switch self {
        case .unreadable(let error): error.status
        case .notFinite: .internalServerError
        case .overflow: .badRequest
        }
    }
}
