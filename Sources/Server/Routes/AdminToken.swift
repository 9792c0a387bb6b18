import Crypto
import Foundation
import HTTPServer
import HTTPTypes

/// The secret that opens the admin routes.
public struct AdminToken: Sendable {
    private let digest: SHA256.Digest

    /// Shorter ones could be guessed. Units: bytes.
    private static let minByteCount = 16

    /// Reads the first line of a file.
    ///
    /// - Throws: ``AdminTokenError``.
    public init(file: String) throws(AdminTokenError) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw AdminTokenError.unreadable(path: file)
        }
        let line = String(decoding: data.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
        guard line.utf8.count >= Self.minByteCount else {
            throw AdminTokenError.tooShort(path: file, byteCount: line.utf8.count, minimum: Self.minByteCount)
        }
        digest = SHA256.hash(data: Data(line.utf8))
    }

    /// Whether an Authorization field bears the token. Digests are compared, so that the time taken tells nothing.
    func admits(_ authorization: String?) -> Bool {
        let scheme = "bearer "
        guard let authorization, authorization.lowercased().hasPrefix(scheme) else { return false }
        let offered = authorization.dropFirst(scheme.count).trimmingCharacters(in: .whitespaces)
        return SHA256.hash(data: Data(offered.utf8)) == digest
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
