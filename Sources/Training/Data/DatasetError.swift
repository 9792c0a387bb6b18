import Inference

/// A data set, or a picture of one, that cannot be used.
public enum DatasetError: Error, Equatable, Sendable {
    /// A picture that is corrupt or over a limit.
    case picture(name: String, ImageError)
}

extension DatasetError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .picture(let name, let error): "\(name): \(error)"
        }
    }
}
