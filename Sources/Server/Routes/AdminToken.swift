import Files
import Foundation
import HTTPServer
import HTTPTypes
import Inference

/// The secret that opens the admin routes.
public struct AdminToken: Sendable {
    private let digest: SHA256.Digest

    /// Shorter ones could be guessed. Units: bytes.
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
        // A carriage return and a line feed are one character.
        let line = text.prefix { !$0.isNewline }
        guard line.utf8.count >= Self.minByteCount else {
            throw AdminTokenError.tooShort(path: file, byteCount: line.utf8.count, minimum: Self.minByteCount)
        }
        digest = SHA256.hash(Array(line.utf8))
    }

    /// Whether an Authorization field bears the token. Digests are compared, so that the time taken tells nothing.
    func admits(_ authorization: String?) -> Bool {
        let scheme = "bearer "
        guard let authorization, authorization.lowercased().hasPrefix(scheme) else { return false }
        let offered = authorization.dropFirst(scheme.count).trimmingCharacters(in: .whitespaces)
        return SHA256.hash(Array(offered.utf8)) == digest
    }
}

extension AdminToken {
    /// 401 for a request that does not bear the token; nil for one that does.
    func refusal(of request: Request) -> Response? {
        guard !admits(request.headerFields[.authorization]) else { return nil }
        return .problem(
            .unauthorized, "This route wants the admin token, as Authorization: Bearer <token>.",
            headerFields: [.wwwAuthenticate: "Bearer"])
    }
}
