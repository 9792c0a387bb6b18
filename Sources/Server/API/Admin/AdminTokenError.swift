/// The admin token cannot be used.
public enum AdminTokenError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(path: String)
    case notText(path: String, found: String)
    case tooShort(path: String, byteCount: Int, minimum: Int)

    public var description: String {
        switch self {
        case .unreadable(let path): "admin.token_file \(path) cannot be read."
        case .notText(let path, let found): "admin.token_file \(path) is not text in UTF-8: it \(found)."
        case .tooShort(let path, let byteCount, let minimum):
            "The token in \(path) has \(byteCount) bytes; it needs at least \(minimum), as from openssl rand -hex 32."
        }
    }
}
