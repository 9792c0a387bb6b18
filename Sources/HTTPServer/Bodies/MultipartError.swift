import HTTPTypes

/// Why a `multipart/form-data` body cannot be read. Parts are counted from 1.
enum MultipartError: Error, Equatable, Sendable {
    case missingBoundary
    case boundary(found: String)
    case noDelimiter(boundary: String)
    case delimiterLine(part: Int, found: String)
    case headerTooLong(part: Int, limit: Int)
    case tooManyFields(part: Int, limit: Int)
    case fieldLine(part: Int, found: String)
    case contentDisposition(part: Int, found: String)
    case transferEncoding(part: Int, found: String)
    case unterminated(part: Int)
    case tooManyParts(limit: Int)

    /// 413 where there is too much, 400 where something is malformed.
    var status: HTTPResponse.Status {
        if case .tooManyParts = self { .contentTooLarge } else { .badRequest }
    }
}

extension MultipartError: CustomStringConvertible {
    /// One sentence that says what was wrong and what would be right.
    var description: String {
        switch self {
        case .missingBoundary:
            "The Content-Type 'multipart/form-data' has no boundary; let the client library set this field, or add "
                + "'; boundary=…'."
        case .boundary(let found):
            "The multipart boundary '\(found)' is malformed; it must be 1 to \(MultipartParser.maxBoundaryByteCount) "
                + "visible characters, with spaces only between them."
        case .noDelimiter(let boundary):
            "The multipart body holds no line '--\(boundary)'; each part must begin with it, as Content-Type announces."
        case .delimiterLine(let part, let found):
            "The line that begins part \(part) of the multipart body goes on with '\(found)'; nothing but CR LF may follow "
                + "the boundary, or '--' behind the last part."
        case .headerTooLong(let part, let limit):
            "The fields of part \(part) of the multipart body are longer than \(limit) bytes; shorten its names."
        case .tooManyFields(let part, let limit):
            "Part \(part) of the multipart body has more than \(limit) fields (server.max_header_fields); send fewer."
        case .fieldLine(let part, let found):
            "The line '\(found)' in the fields of part \(part) of the multipart body is malformed; write it as "
                + "'Name: value' and end it with CR LF."
        case .contentDisposition(let part, let found):
            "The Content-Disposition '\(found)' of part \(part) of the multipart body is malformed; write it as "
                + "'form-data; name=\"image\"; filename=\"cat.jpg\"'."
        case .transferEncoding(let part, let found):
            "Part \(part) of the multipart body is encoded as '\(found)'; send its bytes as they are (RFC 7578 §4.7)."
        case .unterminated(let part):
            "The multipart body ends in the middle of part \(part); the last part must be followed by the boundary and "
                + "'--'."
        case .tooManyParts(let limit):
            "The multipart body has more than \(limit) parts; send fewer at once."
        }
    }
}
