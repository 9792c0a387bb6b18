/// Takes a `multipart/form-data` body apart while it streams in; does no I/O.
///
/// Strategy: bytes are pushed in pieces of any size; content goes straight into the array of its part, found by `memchr`.
/// Only what may be the beginning of a delimiter is held back between two pieces. It need not be stored, since it equals
/// the delimiter's own first bytes; and because CR stands nowhere in a delimiter but at its beginning, a failed match is
/// never the middle of another one.
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
        /// Before the first delimiter; what stands there is dropped.
        case preamble
        /// Behind a delimiter, in the rest of its line.
        case delimiterLine
        case header
        case content(PartHeader)
        /// Behind the last delimiter; what stands there is dropped.
        case epilogue
    }

    /// The most blanks that may follow a boundary on its line (RFC 2046 calls them transport padding; nobody sends any).
    private static let maxPaddingByteCount = 64
    private static let headerEnd = Array("\r\n\r\n".utf8)

    /// `CR LF -- boundary`
    private let delimiter: [UInt8]
    private let limits: Limits
    private var state = State.preamble
    /// How many bytes of the delimiter the pieces so far end with.
    private var held = 2
    /// How many of those were never sent as content: the line end before the first delimiter is only imagined, and that
    /// of an empty part belongs to its fields.
    private var imagined = 2
    /// The delimiter's line or the part's fields, as far as they have come.
    private var line: [UInt8] = []
    private var content: BodyBytes
    private var parts: [Part] = []

    /// A parser for bodies with this boundary.
    /// - Throws: ``MultipartError/boundary(found:)`` if it is not what RFC 2046 §5.1.1 allows.
    ///
    /// - Parameter pool: where the parts' memory comes from.
    init(boundary: String, limits: Limits, pool: BodyPool) throws(MultipartError) {
        guard (1...70).contains(boundary.utf8.count), boundary.utf8.last != Octet.space,
            boundary.utf8.allSatisfy(ByteSet.boundary.contains)
        else { throw .boundary(found: Excerpt.of(boundary)) }
        self.delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
        content = BodyBytes(pool: pool)
    }

    /// A parser for a body of this Content-Type, or nil if that is not `multipart/form-data`.
    /// - Throws: ``MultipartError/missingBoundary`` or ``MultipartError/boundary(found:)``
    init?(contentType: String?, limits: Limits, pool: BodyPool) throws(MultipartError) {
        guard let contentType, contentType.prefix(19).lowercased() == "multipart/form-data" else { return nil }
        guard let field = FieldParameters(contentType) else { throw .missingBoundary }
        guard field.value == "multipart/form-data" else { return nil }
        guard let boundary = field.parameters["boundary"] else { throw .missingBoundary }
        try self.init(boundary: boundary, limits: limits, pool: pool)
    }

    /// Reads the next piece of the body.
    mutating func push(_ bytes: UnsafeRawBufferPointer) throws(MultipartError) {
        var rest = bytes
        while !rest.isEmpty {
            let consumed =
                switch state {
                case .preamble, .content: try search(rest)
                case .delimiterLine: try readDelimiterLine(rest)
                case .header: try readHeader(rest)
                case .epilogue: rest.count
                }
            rest = rest.slice(consumed..<rest.count)
        }
    }

    /// The parts of the body, which is now whole.
    mutating func finish() throws(MultipartError) -> [Part] {
        switch state {
        case .epilogue: return parts
        case .preamble: throw .noDelimiter(boundary: boundary)
        case .delimiterLine where parts.isEmpty && line.isEmpty: throw .unterminated(part: 1)
        case .delimiterLine, .header, .content: throw .unterminated(part: parts.count + 1)
        }
    }

    private var boundary: String { String(decoding: delimiter.dropFirst(4), as: UTF8.self) }

    // MARK: Content

    /// Looks for the next delimiter; what stands before it is content (or preamble).
    private mutating func search(_ bytes: UnsafeRawBufferPointer) throws(MultipartError) -> Int {
        if held > 0 {
            var index = 0
            while held < delimiter.count, index < bytes.count, bytes[index] == delimiter[held] {
                held += 1
                index += 1
            }
            if held == delimiter.count {
                endContent()
                return index
            }
            if index == bytes.count { return index }
            // It was no delimiter after all. Its bytes hold no CR behind the first, so the search begins anew here.
            if held > imagined { delimiter[imagined..<held].withUnsafeBytes { keep($0) } }
            held = 0
            imagined = 0
            return index
        }

        let found = delimiter.withUnsafeBytes { bytes.firstOffset(of: $0) }
        if let found {
            keep(bytes.slice(0..<found))
            endContent()
            return found + delimiter.count
        }
        let end = bytes.count - heldSuffix(of: bytes)
        held = bytes.count - end
        keep(bytes.slice(0..<end))
        return bytes.count
    }

    /// How many bytes at the end of `bytes` are the beginning of the delimiter.
    private func heldSuffix(of bytes: UnsafeRawBufferPointer) -> Int {
        let window = max(0, bytes.count - delimiter.count + 1)
        guard let start = bytes.firstOffset(of: Octet.carriageReturn, from: window) else { return 0 }
        var candidate = start
        while true {
            let suffix = bytes.slice(candidate..<bytes.count)
            if delimiter.starts(with: suffix) { return suffix.count }
            guard let next = bytes.firstOffset(of: Octet.carriageReturn, from: candidate + 1) else { return 0 }
            candidate = next
        }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        if case .content = state { content.append(bytes, announced: nil) }
    }

    private mutating func endContent() {
        if case .content(let header) = state {
            parts.append(
                Part(
                    name: header.name, filename: header.filename, contentType: header.contentType,
                    bytes: content.finish()))
        }
        line = []
        held = 0
        imagined = 0
        state = .delimiterLine
    }

    // MARK: Lines

    /// Reads what follows a boundary: `--` behind the last part, else blanks and CR LF.
    private mutating func readDelimiterLine(_ bytes: UnsafeRawBufferPointer) throws(MultipartError) -> Int {
        var consumed = 0
        for byte in bytes {
            consumed += 1
            line.append(byte)
            switch (line.count, byte) {
            case (1, UInt8(ascii: "-")): continue
            case (2, UInt8(ascii: "-")) where line[0] == UInt8(ascii: "-"):
                state = .epilogue
                return consumed
            case (_, Octet.space), (_, Octet.tab):
                guard line[0] != UInt8(ascii: "-"), line.count <= Self.maxPaddingByteCount else { break }
                continue
            case (_, Octet.carriageReturn):
                guard line[0] != UInt8(ascii: "-"), !line.dropLast().contains(Octet.carriageReturn) else { break }
                continue
            case (_, Octet.lineFeed):
                guard line.dropLast().last == Octet.carriageReturn else { break }
                guard parts.count < limits.partCount else { throw .tooManyParts(limit: limits.partCount) }
                line = []
                state = .header
                return consumed
            default: break
            }
            throw .delimiterLine(part: parts.count + 1, found: line.withUnsafeBytes { Excerpt.of($0) })
        }
        return consumed
    }

    /// Gathers a part's fields up to the empty line that ends them.
    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws(MultipartError) -> Int {
        let before = line.count
        // The limit is that of the fields with their line ends; the empty line behind them comes on top.
        line.append(contentsOf: bytes.prefix(limits.partHeaderByteCount + 2 - before))
        // A part may have no fields at all: its empty line then comes first.
        let isEmpty = line.starts(with: Self.headerEnd.prefix(2))
        let end: Int? =
            isEmpty
            ? 0
            : line.withUnsafeBytes { line in
                Self.headerEnd.withUnsafeBytes { line.firstOffset(of: $0, from: max(0, before - 3)) }.map { $0 + 2 }
            }
        guard let end else {
            guard line.count < limits.partHeaderByteCount + 2 else {
                throw .headerTooLong(part: parts.count + 1, limit: limits.partHeaderByteCount)
            }
            return line.count - before
        }
        let fields = line.prefix(end)
        let header = try Self.header(fields, part: parts.count + 1)
        line = []
        state = .content(header)
        // The empty line's CR LF may be that of the delimiter: the part is then empty (RFC 2046 §5.1.1).
        held = 2
        imagined = 2
        return end + 2 - before
    }

    private static func header(_ fields: ArraySlice<UInt8>, part: Int) throws(MultipartError) -> PartHeader {
        let result: Result<PartHeader, MultipartError> = fields.withUnsafeBytes { bytes in
            do throws(MultipartError) {
                return .success(try PartHeader(bytes, part: part))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
