import Files
import Foundation
import HTTPServer
import HTTPTypes
import Inference

/// The secret that a client must send to use the admin routes.
public struct AdminToken: Sendable {
    private let digest: SHA256.Digest

    /// A shorter token could be guessed. Units: bytes.
    private static let minByteCount = 16

    /// Far above any token. Units: bytes.
    private static let maxFileByteCount = 64 << 10

    /// Reads the first line of a file.
    ///
    /// - Throws: ``AdminTokenError``.
    public init(file: String) throws(AdminTokenError) {
        let text: String
        do throws(FileError) {
            text = try TextFile(contentsOf: file, maxByteCount: Self.maxFileByteCount).text
        } catch {
            if case .notText(_, let found) = error { throw .notText(path: file, found: found) }
            throw .unreadable(path: file)
        }
        // Swift counts a carriage return and a line feed as one character.
        let line = text.prefix { !$0.isNewline }
        guard line.utf8.count >= Self.minByteCount else {
            throw AdminTokenError.tooShort(path: file, byteCount: line.utf8.count, minimum: Self.minByteCount)
        }
        digest = SHA256.hash(Array(line.utf8))
    }

    /// Whether an Authorization field holds the token. Digests are compared, so that the time taken reveals nothing.
    func admits(_ authorization: String?) -> Bool {
        let scheme = "bearer "
        guard let authorization, authorization.lowercased().hasPrefix(scheme) else { return false }
        let offered = authorization.dropFirst(scheme.count).trimmingCharacters(in: .whitespaces)
        return SHA256.hash(Array(offered.utf8)) == digest
    }

    /// 401 for a request without the token; nil for one with it.
    func refusal(of request: Request) -> Response? {
        guard !admits(request.headerFields[.authorization]) else { return nil }
        return .problem(
            .unauthorized, "This route needs the admin token: Authorization: Bearer <token>.",
            headerFields: [.wwwAuthenticate: "Bearer"])
    }
}

/// Why the admin token cannot be used.
public enum AdminTokenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file is missing, cannot be read, or is far larger than a token.
    case unreadable(path: String)
    /// The file is not UTF-8; `found` completes "it …".
    case notText(path: String, found: String)
    /// The first line is shorter than `minimum` bytes.
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
