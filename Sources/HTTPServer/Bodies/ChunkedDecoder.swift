/// Removes the chunked transfer coding from a body; does no I/O and holds no bytes.
///
/// Strategy: size lines and trailer lines are parsed once they are complete, within tight limits; data is passed on as
/// ranges of the caller's buffer. Extensions and trailers are checked and dropped.
/// - Source: RFC 9112 §7.1
struct ChunkedDecoder {
    /// What the decoder found.
    enum Event: Equatable {
        /// More bytes are needed.
        case needMore
        /// These bytes of the passed buffer are content.
        case data(Range<Int>)
        /// The last chunk and the trailers have been read.
        case end
    }

    private enum State {
        /// At a chunk's size line.
        case size
        /// In a chunk's data, of which this many bytes are missing.
        case data(remaining: Int)
        /// At the line end that follows a chunk's data.
        case dataEnd
        /// At a trailer line.
        case trailers
        /// After the last line.
        case done
    }

    /// The most that all chunk extensions of a body may take together. Nobody uses them, but a client may wrap every
    /// byte of its body in them to waste the server's time. Units: bytes.
    static let maxExtensionByteCount = 4096
    /// The most digits of a chunk's size. 16 hold every 64-bit number; more leading zeros are refused.
    static let maxDigitCount = 16

    private let maxByteCount: Int
    private let maxTrailerByteCount: Int
    private let maxTrailerCount: Int
    private var byteCount = 0
    private var extensionByteCount = 0
    private var trailerByteCount = 0
    private var trailerCount = 0
    private var state = State.size

    /// A decoder at the beginning of a body of at most `maxByteCount` bytes of content.
    init(maxByteCount: Int, maxTrailerByteCount: Int, maxTrailerCount: Int) {
        self.maxByteCount = maxByteCount
        self.maxTrailerByteCount = maxTrailerByteCount
        self.maxTrailerCount = maxTrailerCount
    }

    /// Returns the next event.
    ///
    /// - Parameters:
    ///   - bytes: everything received and not yet consumed.
    ///   - mostContent: the greatest length of a range of content. Units: bytes.
    /// - Returns: the event, and how many bytes at the front of `bytes` are consumed.
    mutating func next(
        _ bytes: UnsafeRawBufferPointer, mostContent: Int = .max
    ) throws(RequestError) -> (event: Event, consumed: Int) {
        var offset = 0
        while true {
            switch state {
            case .size:
                let limit = Self.maxDigitCount + Self.maxExtensionByteCount - extensionByteCount
                guard let line = try Self.line(in: bytes, from: offset, maxByteCount: limit + 2) else {
                    if bytes.count - offset > limit + 2 {
                        throw .chunkExtensionsTooLong(limit: Self.maxExtensionByteCount)
                    }
                    return (.needMore, offset)
                }
                let size = try size(bytes.slice(line))
                offset = line.upperBound + 2
                guard size <= maxByteCount - byteCount else { throw .bodyTooLong(limit: maxByteCount) }
                byteCount += size
                state = size == 0 ? .trailers : .data(remaining: size)

            case .data(let remaining):
                let count = min(remaining, bytes.count - offset, mostContent)
                guard count > 0 else { return (.needMore, offset) }
                state = count == remaining ? .dataEnd : .data(remaining: remaining - count)
                return (.data(offset..<offset + count), offset + count)

            case .dataEnd:
                guard bytes.count > offset else { return (.needMore, offset) }
                guard bytes[offset] == Octet.carriageReturn else { throw .chunkEnd }
                guard bytes.count > offset + 1 else { return (.needMore, offset) }
                guard bytes[offset + 1] == Octet.lineFeed else { throw .chunkEnd }
                offset += 2
                state = .size

            case .trailers:
                let limit = maxTrailerByteCount - trailerByteCount
                guard let line = try Self.line(in: bytes, from: offset, maxByteCount: limit) else {
                    if bytes.count - offset >= limit { throw .trailersTooLong(limit: maxTrailerByteCount) }
                    return (.needMore, offset)
                }
                offset = line.upperBound + 2
                trailerByteCount += line.count + 2
                guard !line.isEmpty else {
                    state = .done
                    return (.end, offset)
                }
                trailerCount += 1
                guard trailerCount <= maxTrailerCount else { throw .tooManyTrailers(limit: maxTrailerCount) }
                // Trailers are checked as fields are, and dropped: only one whose meaning is known may be merged into
                // the header (RFC 9110 §6.5.1).
                _ = try FieldLine.parse(bytes.slice(line))

            case .done:
                return (.end, offset)
            }
        }
    }

    /// The next line without its CR LF; nil if it is not complete, or too long. What lies beyond the limit is not looked at, so that
    /// the error does not depend on how much has arrived.
    ///
    /// - Parameter maxByteCount: the longest line, with its CR LF. Units: bytes.
    private static func line(
        in bytes: UnsafeRawBufferPointer, from start: Int, maxByteCount: Int
    ) throws(RequestError) -> Range<Int>? {
        let window = bytes.slice(start..<min(bytes.count, start + maxByteCount))
        guard let lineFeed = window.firstOffset(of: Octet.lineFeed) else { return nil }
        guard lineFeed > 0, window[lineFeed - 1] == Octet.carriageReturn else {
            throw .lineEnding(found: Excerpt.of(window.slice(0..<lineFeed)))
        }
        return start..<start + lineFeed - 1
    }

    /// Reads `chunk-size [ chunk-ext ]`.
    private mutating func size(_ line: UnsafeRawBufferPointer) throws(RequestError) -> Int {
        var size = 0
        var digits = 0
        for byte in line {
            guard let value = PercentDecoding.hexadecimalValue(byte) else { break }
            // A recipient must guard against overflow (RFC 9112 §7.1).
            let (product, overflowed) = size.multipliedReportingOverflow(by: 16)
            guard digits < Self.maxDigitCount else { throw .chunkSize(found: Excerpt.of(line)) }
            size = overflowed ? .max : product | Int(value)
            digits += 1
        }
        guard digits > 0 else { throw .chunkSize(found: Excerpt.of(line)) }
        guard digits < line.count else { return size }

        let rest = line.slice(digits..<line.count)
        guard rest.trimmed.first == UInt8(ascii: ";"), ByteSet.fieldValue.containsAll(rest) else {
            throw .chunkSize(found: Excerpt.of(line))
        }
        extensionByteCount += rest.count
        guard extensionByteCount <= Self.maxExtensionByteCount else {
            throw .chunkExtensionsTooLong(limit: Self.maxExtensionByteCount)
        }
        guard Self.areExtensions(rest) else { throw .chunkExtension(found: Excerpt.of(line)) }
        return size
    }

    /// Whether these bytes are `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`. Extensions are
    /// ignored, but a malformed one may hide a line end from another parser (RFC 9112 §7.1.1).
    private static func areExtensions(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        func skipBlanks() {
            while index < bytes.count, bytes[index] == Octet.space || bytes[index] == Octet.tab { index += 1 }
        }
        func skipToken() -> Bool {
            let start = index
            while index < bytes.count, ByteSet.token.contains(bytes[index]) { index += 1 }
            return index > start
        }
        while index < bytes.count {
            skipBlanks()
            guard index < bytes.count, bytes[index] == UInt8(ascii: ";") else { return false }
            index += 1
            skipBlanks()
            guard skipToken() else { return false }
            let end = index
            skipBlanks()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
                // Blanks may precede a semicolon or an equals sign, not the line end.
                if index == bytes.count, index > end { return false }
                continue
            }
            index += 1
            skipBlanks()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                guard skipToken() else { return false }
                continue
            }
            index += 1
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard index < bytes.count else { return false }
            index += 1
        }
        return true
    }
}
