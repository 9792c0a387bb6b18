import HTTPTypes

/// Finds the parts of a `multipart/form-data` body while it arrives; does no I/O and holds no bytes.
///
/// Strategy: the caller owns the body and passes all of it that has arrived; the parser keeps offsets into it. So every
/// byte is read once, wherever the body was cut, and content stays where it arrived.
///
/// Policy: what can be read in only one way is accepted, even if RFC 2046 or RFC 7578 forbids it. What is ambiguous or
/// malformed is refused: a byte of an image must never be taken for structure, nor the reverse.
///
/// Accepted:
/// - a boundary of 1 to 200 visible characters, with spaces inside it, quoted or not (RFC 2046 §5.1.1 allows 70 of
///   fewer kinds);
/// - a bare LF for every line end, if the first boundary's line ends so: that line decides for the whole body;
/// - any bytes before the first boundary and after the last, blanks after a boundary, no line end after the last;
/// - fields in any order and case, folded onto several lines, unknown ones, none at all; parameters without a value;
/// - names in raw UTF-8, else Latin-1; as `filename*` (RFC 8187), which takes precedence; as encoded words (RFC 2047).
///
/// Refused:
/// - a body that ends before the last boundary: it may have been truncated;
/// - a mixture of CR LF and bare LF in boundaries' lines and fields; other bytes after a boundary on its line;
/// - a field without a colon, with a blank before it, or with a control character; a quoted string that does not end;
/// - `Content-Transfer-Encoding: base64` and the like, which is deprecated (RFC 7578 §4.7);
/// - more parts, fields or bytes of fields than the limits.
/// - Source: RFC 7578; RFC 2046 §5.1.1
struct MultipartParser {
    /// The limits of a body.
    struct Limits: Sendable {
        /// The most parts of a body.
        var partCount: Int
        /// The most that the fields of one part take. Units: bytes.
        var partHeaderByteCount: Int
        /// The most field lines of one part.
        var partFieldCount = 128
    }

    private enum State {
        /// Before the first delimiter, in bytes that are ignored.
        case preamble
        /// After a delimiter, in the rest of its line.
        case delimiterLine
        /// In a part's fields.
        case header
        /// In a part's content.
        case content(PartHeader)
        /// After the last delimiter, in bytes that are ignored.
        case epilogue
    }

    /// The most blanks that may follow a boundary on its line (RFC 2046 calls them transport padding; no client sends
    /// any).
    private static let maxPaddingByteCount = 64
    /// The longest boundary: browsers and libraries send 16 to 70 characters.
    static let maxBoundaryByteCount = 200

    /// `CR LF`, or `LF` if the first boundary's line ends so.
    private var lineEnd = [Octet.carriageReturn, Octet.lineFeed]
    /// `LF -- boundary` until the first one has been found, then `-- boundary` preceded by the body's line end.
    private var delimiter: [UInt8]
    private let limits: Limits
    private var state = State.preamble
    /// Where the rest of the delimiter's line, the fields or the content begins.
    private var start = 0
    /// How far the search for its end has come.
    private var searched = 0
    /// The parts found so far, and where their content is.
    private var found: [(header: PartHeader, content: Range<Int>)] = []

    /// A parser for a body with this boundary.
    ///
    /// - Throws: ``MultipartError/boundary(found:)`` if it is malformed.
    init(boundary: String, limits: Limits) throws(MultipartError) {
        guard (1...Self.maxBoundaryByteCount).contains(boundary.utf8.count), boundary.utf8.last != Octet.space,
            boundary.utf8.allSatisfy(ByteSet.boundary.contains)
        else { throw .boundary(found: Excerpt.of(boundary)) }
        self.delimiter = Array("\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// A parser for a body of this Content-Type, or nil if that is not `multipart/form-data`.
    ///
    /// - Throws: ``MultipartError/missingBoundary`` or ``MultipartError/boundary(found:)``
    init?(contentType: String?, limits: Limits) throws(MultipartError) {
        guard let contentType, contentType.prefix(19).lowercased() == "multipart/form-data" else { return nil }
        guard let field = FieldParameters(contentType) else { throw .missingBoundary }
        guard field.value == "multipart/form-data" else { return nil }
        guard let boundary = field.parameters["boundary"], !boundary.isEmpty else { throw .missingBoundary }
        try self.init(boundary: boundary, limits: limits)
    }

    /// Parses what has arrived since the last call.
    ///
    /// - Parameter body: all of the body that has arrived, including what was passed before.
    mutating func read(_ body: UnsafeRawBufferPointer) throws(MultipartError) {
        while try step(body) {}
    }

    /// The parts of the body, which is now complete.
    ///
    /// - Parameter body: what was passed to ``read(_:)`` last.
    func parts(of body: [UInt8]) throws(MultipartError) -> [Part] {
        switch state {
        case .epilogue: break
        case .preamble: throw .noDelimiter(boundary: String(decoding: delimiter.dropFirst(3), as: UTF8.self))
        case .delimiterLine, .header, .content: throw .unterminated(part: found.count + 1)
        }
        return found.map { header, content in
            Part(
                name: header.name, filename: header.filename, contentType: header.contentType, bytes: body[content])
        }
    }

    /// Takes one step, if the bytes for it have arrived.
    ///
    /// - Returns: whether another step may be possible without further bytes.
    private mutating func step(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        switch state {
        case .preamble:
            guard let end = delimiterEnd(in: body) else { return false }
            begin(.delimiterLine, at: end)
        case .delimiterLine: return try readDelimiterLine(body)
        case .header: return try readHeader(body)
        case .content(let header):
            guard let end = delimiterEnd(in: body) else { return false }
            // The delimiter of an empty part may begin with the line end of its fields.
            found.append((header, start..<max(start, end - delimiter.count)))
            begin(.delimiterLine, at: end)
        case .epilogue: return false
        }
        return true
    }

    private mutating func begin(_ state: State, at offset: Int) {
        self.state = state
        start = offset
        searched = offset
    }

    /// Where the next delimiter ends, if it has arrived.
    private mutating func delimiterEnd(in body: UnsafeRawBufferPointer) -> Int? {
        // The first delimiter may stand at the start of the body, without a line end before it.
        if case .preamble = state, body.starts(with: delimiter.dropFirst()) { return delimiter.count - 1 }
        if let offset = delimiter.withUnsafeBytes({ body.firstOffset(of: $0, from: searched) }) {
            return offset + delimiter.count
        }
        // Bytes that may begin a delimiter are searched again once more have arrived.
        searched = max(searched, body.count - delimiter.count + 1)
        while searched < body.count, !delimiter.starts(with: body.slice(searched..<body.count)) { searched += 1 }
        return nil
    }

    /// Reads what follows a boundary: `--` after the last part, else blanks and the line end.
    private mutating func readDelimiterLine(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        let line = body.slice(start..<body.count)
        let isLast = line.first == UInt8(ascii: "-")
        let blanks = line.prefix(Self.maxPaddingByteCount).prefix { $0 == Octet.space || $0 == Octet.tab }
        if delimiter.first == Octet.lineFeed, lineEnd.count == 2 {
            // The line of the first boundary shows how lines end.
            guard isLast || blanks.count < line.count else { return false }
            if !isLast, line[blanks.count] == Octet.lineFeed {
                lineEnd = [Octet.lineFeed]
            } else {
                delimiter.insert(Octet.carriageReturn, at: 0)
            }
        }
        for (offset, byte) in (isLast ? Array("--".utf8) : lineEnd).enumerated() {
            let offset = blanks.count + offset
            guard offset < line.count else { return false }
            guard line[offset] == byte else {
                throw .delimiterLine(part: found.count + 1, found: Excerpt.of(line.slice(0..<offset + 1)))
            }
        }
        if isLast {
            state = .epilogue
        } else {
            guard found.count < limits.partCount else { throw .tooManyParts(limit: limits.partCount) }
            begin(.header, at: start + blanks.count + lineEnd.count)
        }
        return true
    }

    /// Reads a part's fields up to the empty line that ends them.
    private mutating func readHeader(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        // The limit counts the fields with their line ends; the empty line after them comes on top.
        let most = limits.partHeaderByteCount + lineEnd.count
        let lines = body.slice(start..<start + min(body.count - start, most))
        // A part may have no fields at all: its empty line then comes first.
        let headerEnd = lineEnd + lineEnd
        let end: Int? =
            lines.starts(with: lineEnd)
            ? 0
            : headerEnd.withUnsafeBytes { lines.firstOffset(of: $0, from: searched - start) }
                .map { $0 + lineEnd.count }
        guard let end else {
            guard lines.count < most else {
                throw .headerTooLong(part: found.count + 1, limit: limits.partHeaderByteCount)
            }
            searched = max(start, start + lines.count - headerEnd.count + 1)
            return false
        }
        let header = try PartHeader(
            lines.slice(0..<end), lineEnd: lineEnd, part: found.count + 1, maxFieldCount: limits.partFieldCount)
        begin(.content(header), at: start + end + lineEnd.count)
        // The line end of the empty line may also begin the delimiter: the part is then empty (RFC 2046 §5.1.1).
        searched -= lineEnd.count
        return true
    }
}

/// One part of a `multipart/form-data` body.
///
/// - Source: RFC 7578 §4
public struct Part: Sendable, Equatable {
    /// The form field's name (Content-Disposition's `name`).
    public let name: String?
    /// The file's name, if the part is a file. The client chose it: never use it as a path.
    public let filename: String?
    /// The part's Content-Type, as it was sent.
    public let contentType: String?
    /// The part's content, as a slice of the body.
    public let bytes: ArraySlice<UInt8>

    /// A part with these values.
    public init(name: String? = nil, filename: String? = nil, contentType: String? = nil, bytes: ArraySlice<UInt8> = [])
    {
        self.name = name
        self.filename = filename
        self.contentType = contentType
        self.bytes = bytes
    }
}

/// What a part's fields say about it.
///
/// - Source: RFC 7578 §4.2, §4.4, §4.7
struct PartHeader: Sendable, Equatable {
    /// Content-Disposition's `name`.
    private(set) var name: String?
    /// Content-Disposition's file name: `filename*`, else `filename`.
    private(set) var filename: String?
    /// Content-Type.
    private(set) var contentType: String?

    /// Parses the field lines in `bytes`, each with its line end, of part number `part`. A line that begins with a
    /// blank continues the one before (RFC 5322 §2.2.3).
    init(
        _ bytes: UnsafeRawBufferPointer, lineEnd: [UInt8], part: Int, maxFieldCount: Int
    ) throws(MultipartError) {
        var start = 0
        var lineCount = 0
        var field: [UInt8] = []
        while start < bytes.count {
            let end = lineEnd.withUnsafeBytes { bytes.firstOffset(of: $0, from: start) }
            guard let end, end > start else {
                throw .fieldLine(part: part, found: Excerpt.of(bytes.slice(start..<bytes.count)))
            }
            lineCount += 1
            guard lineCount <= maxFieldCount else { throw .tooManyFields(part: part, limit: maxFieldCount) }
            let line = bytes.slice(start..<end)
            if let first = line.first, first == Octet.space || first == Octet.tab {
                guard !field.isEmpty else { throw .fieldLine(part: part, found: Excerpt.of(line)) }
                field.append(Octet.space)
                field.append(contentsOf: line.trimmed)
            } else {
                try read(field, part: part)
                field = Array(line)
            }
            start = end + lineEnd.count
        }
        try read(field, part: part)
    }

    private mutating func read(_ field: [UInt8], part: Int) throws(MultipartError) {
        guard !field.isEmpty else { return }
        guard let colon = field.firstIndex(of: Octet.colon), colon > 0,
            field[..<colon].allSatisfy(ByteSet.token.contains),
            field[(colon + 1)...].allSatisfy(ByteSet.fieldValue.contains)
        else { throw .fieldLine(part: part, found: field.withUnsafeBytes { Excerpt.of($0) }) }

        let bytes = field[(colon + 1)...]
        let value = bytes.withUnsafeBytes { TextEncoding.text($0.trimmed) }
        switch String(decoding: field[..<colon], as: UTF8.self).lowercased() {
        case "content-disposition":
            guard let parameters = FieldParameters(bytes) else {
                throw .contentDisposition(part: part, found: Excerpt.of(value))
            }
            name = parameters.name("name")
            // RFC 7578 §4.2 forbids filename*, but some clients send it, and some send nothing else.
            filename = parameters.name("filename")
        case "content-type": contentType = value
        case "content-transfer-encoding":
            // Deprecated (RFC 7578 §4.7). Encodings that change nothing are accepted; base64 content would be garbage.
            guard ["binary", "8bit", "7bit"].contains(value.lowercased()) else {
                throw .transferEncoding(part: part, found: Excerpt.of(value))
            }
        default: break  // other fields must be ignored (RFC 7578 §4.8)
        }
    }
}

/// Why a `multipart/form-data` body cannot be read. Parts are counted from 1; `found` is an excerpt of what was sent.
enum MultipartError: Error, Equatable, Sendable {
    /// Content-Type has no boundary.
    case missingBoundary
    /// The boundary is too long, empty, or holds a character that is not allowed.
    case boundary(found: String)
    /// The body holds no line with the boundary.
    case noDelimiter(boundary: String)
    /// Something other than a line end follows the boundary.
    case delimiterLine(part: Int, found: String)
    /// A part's fields are longer than the limit, in bytes.
    case headerTooLong(part: Int, limit: Int)
    /// A part has more fields than the limit.
    case tooManyFields(part: Int, limit: Int)
    /// A line is not a field.
    case fieldLine(part: Int, found: String)
    /// A part's Content-Disposition is malformed.
    case contentDisposition(part: Int, found: String)
    /// A part's Content-Transfer-Encoding changes its bytes.
    case transferEncoding(part: Int, found: String)
    /// The body ends in the middle of a part.
    case unterminated(part: Int)
    /// The body has more parts than the limit.
    case tooManyParts(limit: Int)

    /// 413 for too many parts, else 400.
    var status: HTTPResponse.Status {
        if case .tooManyParts = self { .contentTooLarge } else { .badRequest }
    }
}

extension MultipartError: CustomStringConvertible {
    /// One sentence: what is wrong, and what would be right.
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
            "The line that begins part \(part) of the multipart body goes on with '\(found)'; nothing but CR LF may "
                + "follow the boundary, or '--' after the last part."
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
