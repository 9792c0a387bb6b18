/// Why a file was not written; what stood there before is still there, but for ``notMadeDurable(file:reason:)``.
public enum FileWriteError: Error, Equatable, Sendable {
    /// Something other than a regular file has the name.
    case notAFile(file: String)
    /// Another program, or another part of this one, is writing the same file.
    case busy(file: String)
    /// The disk, the quota, or the largest file that is allowed, is full.
    case noSpace(file: String, byteCount: Int)
    /// The system refused a step.
    case failed(file: String, reason: String)
    /// The file is in its place, but a power cut could still undo that.
    case notMadeDurable(file: String, reason: String)
}

extension FileWriteError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notAFile(let file): "\(file) cannot be written: it is not a regular file."
        case .busy(let file): "\(file) cannot be written: another process is writing it."
        case .noSpace(let file, let byteCount):
            "\(file) cannot be written: there is no space left for its \(byteCount) bytes; free some and try again."
        case .failed(let file, let reason): "\(file) cannot be written: \(reason)."
        case .notMadeDurable(let file, let reason):
            "\(file) is written, but a power cut could still undo that: \(reason)."
        }
    }
}
