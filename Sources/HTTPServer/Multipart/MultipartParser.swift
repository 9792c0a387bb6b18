/// Finds the parts of a `multipart/form-data` body while it streams in; does no I/O and holds no bytes.
///
/// Strategy: the caller owns the body and passes all of it that has come; the parser keeps offsets into it. So every byte is
/// looked at once, wherever the body was cut, and content stays where it arrived.
/// - Source: RFC 7578; RFC 2046 §5.1.1
struct MultipartParser {
    /// What a body may hold.
    struct Limits: Sendable {
        /// Parts.
        var partCount: Int
        /// Bytes of the fields of one part.
        var partHeaderByteCount: Int
    }

    private enum State {
        /// Before the first delimiter; what stands there belongs to no part.
        case preamble
        /// Behind a delimiter, in the rest of its line.
        case delimiterLine
        case header
        case content(PartHeader)
        /// Behind the last delimiter; what stands there belongs to no part either.
        case epilogue
    }

    /// The most blanks that may follow a boundary on its line (RFC 2046 calls them transport padding; nobody sends any).
    private static let maxPaddingByteCount = 64
    private static let lineEnd = Array("\r\n".utf8)
    private static let headerEnd = Array("\r\n\r\n".utf8)

    /// `CR LF -- boundary`
    private let delimiter: [UInt8]
    private let limits: Limits
    private var state = State.preamble
    /// Where the rest of the delimiter's line, the fields or the content begin.
    private var start = 0
    /// How far what ends them has been looked for.
    private var searched = 0
    /// The parts so far, with where their content is.
    private var found: [(header: PartHeader, content: Range<Int>)] = []

    /// A parser for bodies with this boundary.
    /// - Throws: ``MultipartError/boundary(found:)`` if it is not what RFC 2046 §5.1.1 allows.
    init(boundary: String, limits: Limits) throws(MultipartError) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.last != Octet.space,
            boundary.utf8.allSatisfy(ByteSet.boundary.contains)
        else { throw .boundary(found: Excerpt.of(boundary)) }
        self.delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    /// A parser for a body of this Content-Type, or nil if that is not `multipart/form-data`.
    /// - Throws: ``MultipartError/missingBoundary`` or ``MultipartError/boundary(found:)``
    init?(contentType: String?, limits: Limits) throws(MultipartError) {
        guard let contentType, contentType.prefix(19).lowercased() == "multipart/form-data" else { return nil }
        guard let field = FieldParameters(contentType) else { throw .missingBoundary }
        guard field.value == "multipart/form-data" else { return nil }
        guard let boundary = field.parameters["boundary"] else { throw .missingBoundary }
        try self.init(boundary: boundary, limits: limits)
    }

    /// Reads on in the body.
    ///
    /// - Parameter body: all of it that has come, what was there at the last call first.
    mutating func read(_ body: UnsafeRawBufferPointer) throws(MultipartError) {
        while try step(body) {}
    }

    /// The parts of the body, which is now whole.
    ///
    /// - Parameter body: what the last call of ``read(_:)`` was given.
    func parts(of body: [UInt8]) throws(MultipartError) -> [Part] {
        switch state {
        case .epilogue: break
        case .preamble: throw .noDelimiter(boundary: String(decoding: delimiter.dropFirst(4), as: UTF8.self))
        case .delimiterLine, .header, .content: throw .unterminated(part: found.count + 1)
        }
        return found.map { header, content in
            Part(
                name: header.name, filename: header.filename, contentType: header.contentType, bytes: body[content])
        }
    }

    /// - Returns: whether there may be more to see before more bytes come.
    private mutating func step(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        switch state {
        case .preamble:
            guard let end = delimiterEnd(in: body) else { return false }
            begin(.delimiterLine, at: end)
        case .delimiterLine: return try readDelimiterLine(body)
        case .header: return try readHeader(body)
        case .content(let header):
            guard let end = delimiterEnd(in: body) else { return false }
            // An empty part's delimiter begins in the line end of its fields.
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

    /// Where the next delimiter ends, if it has come.
    private mutating func delimiterEnd(in body: UnsafeRawBufferPointer) -> Int? {
        // Of the first one the line end may be left out.
        if case .preamble = state, body.starts(with: delimiter.dropFirst(2)) { return delimiter.count - 2 }
        if let offset = delimiter.withUnsafeBytes({ body.firstOffset(of: $0, from: searched) }) {
            return offset + delimiter.count
        }
        // What may be its beginning is looked at again once more has come.
        searched = max(searched, body.count - delimiter.count + 1)
        while searched < body.count, !delimiter.starts(with: body.slice(searched..<body.count)) { searched += 1 }
        return nil
    }

    /// Reads what follows a boundary: `--` behind the last part, else blanks and CR LF.
    private mutating func readDelimiterLine(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        let line = body.slice(start..<body.count)
        let isLast = line.first == UInt8(ascii: "-")
        let blanks = line.prefix(Self.maxPaddingByteCount).prefix { $0 == Octet.space || $0 == Octet.tab }
        for (offset, byte) in (isLast ? Array("--".utf8) : Self.lineEnd).enumerated() {
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
            begin(.header, at: start + blanks.count + Self.lineEnd.count)
        }
        return true
    }

    /// Reads a part's fields up to the empty line that ends them.
    private mutating func readHeader(_ body: UnsafeRawBufferPointer) throws(MultipartError) -> Bool {
        // The limit is that of the fields with their line ends; the empty line behind them comes on top.
        let most = limits.partHeaderByteCount + Self.lineEnd.count
        let lines = body.slice(start..<start + min(body.count - start, most))
        // A part may have no fields at all: its empty line then comes first.
        let end: Int? =
            lines.starts(with: Self.lineEnd)
            ? 0
            : Self.headerEnd.withUnsafeBytes { lines.firstOffset(of: $0, from: searched - start) }
                .map { $0 + Self.lineEnd.count }
        guard let end else {
            guard lines.count < most else {
                throw .headerTooLong(part: found.count + 1, limit: limits.partHeaderByteCount)
            }
            searched = max(start, start + lines.count - Self.headerEnd.count + 1)
            return false
        }
        let header = try PartHeader(lines.slice(0..<end), part: found.count + 1)
        begin(.content(header), at: start + end + Self.lineEnd.count)
        // The empty line's CR LF may be that of the delimiter: the part is then empty (RFC 2046 §5.1.1).
        searched -= Self.lineEnd.count
        return true
    }
}
