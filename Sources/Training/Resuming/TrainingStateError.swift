import Inference

/// Why a training's state was not written, or cannot be resumed from.
public enum TrainingStateError: Error, Equatable, Sendable {
    case notWritten(CheckpointWriteError)
    /// A number that could not be resumed from is not stored over one that can.
    case notFinite(file: String, CheckpointError)
    /// The settings have no form as JSON.
    case notEncoded(file: String, reason: String)
    /// The file is not whole, or holds no sound tensors.
    case unreadable(file: String, CheckpointError)
    /// The file is a checkpoint of something else.
    case foreign(file: String)
    case unsupportedVersion(file: String, found: Int, expected: Int)
    case invalidHeader(file: String, reason: String)
    /// The network or the optimiser differs from the one that was stored.
    case unexpectedTensor(file: String, name: String)
    case wrongScalarType(file: String, name: String, found: String)
}

extension TrainingStateError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notWritten(let error): error.description
        case .notFinite(let file, let error): "\(file) is not written: \(error)"
        case .notEncoded(let file, let reason): "\(file) cannot be written: the settings are no JSON: \(reason)"
        case .unreadable(let file, let error): "\(file) cannot be resumed from: \(error)"
        case .foreign(let file): "\(file) is a checkpoint, but not the state of a training that could be resumed"
        case .unsupportedVersion(let file, let found, let expected):
            "\(file) has version \(found) of the form of a training's state, where \(expected) is expected"
        case .invalidHeader(let file, let reason): "\(file) cannot be resumed from: \(reason)"
        case .unexpectedTensor(let file, let name):
            "\(file) has a tensor \(name.prefix(100)), which has no place in this training: "
                + "the network, the optimiser or the averaging differs from when it was stored"
        case .wrongScalarType(let file, let name, let found):
            "\(file) has tensor \(name.prefix(100)) in \(found), where float32 is expected"
        }
    }
}
