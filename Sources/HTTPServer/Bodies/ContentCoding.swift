/// A content coding that a request's body may have.
///
/// - Source: RFC 9110 §8.4.1
enum ContentCoding: Sendable, Equatable {
    /// A gzip file (RFC 1952), of one member or several.
    case gzip
    /// A zlib stream (RFC 1950), which is what HTTP calls `deflate`.
    case deflate

    /// What a client is told to use instead of something else.
    static let accepted = "gzip, deflate"

    /// What it must look like, for a sentence.
    var form: String {
        switch self {
        case .gzip: "gzip is what gzip(1) writes (RFC 1952)"
        case .deflate: "in HTTP deflate means a zlib stream (RFC 1950), with its two bytes of header and its checksum"
        }
    }

    /// The coding that the elements of `Content-Encoding` name, or nil where they leave the content as it is.
    ///
    /// - Throws: ``RequestError/contentCoding(found:)`` for one that is unknown, and for one upon another: each layer would
    ///   multiply what a few bytes can grow to.
    static func of(_ names: [String]) throws(RequestError) -> ContentCoding? {
        // "identity" says that nothing was done (RFC 9110 §12.5.3).
        let names = names.filter { $0 != "identity" }
        guard let name = names.first else { return nil }
        guard names.count == 1 else { throw .contentCoding(found: Excerpt.of(names.joined(separator: ", "))) }
        switch name {
        case "gzip", "x-gzip": return .gzip
        case "deflate": return .deflate
        default: throw .contentCoding(found: Excerpt.of(name))
        }
    }
}
