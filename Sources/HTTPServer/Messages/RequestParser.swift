/// Parses the requests of a connection into events; does no I/O and holds no bytes.
///
/// Strategy: the caller owns the receive buffer and passes all unread bytes; the parser returns one event and the number
/// of bytes to drop. A head is parsed in place once it is complete, so that nothing is copied but what a `Request`
/// keeps; until then the parser only searches for line ends, each byte once. Whatever is ambiguous is refused: a proxy
/// in front of this server may read the same bytes in another way. After an error the parser must not be used again.
/// - Source: RFC 9112
struct RequestParser {
    /// The limits of a request.
    struct Limits: Sendable {
        /// The longest request line and fields together, with every line end. Units: bytes.
        var headerByteCount: Int
        /// The longest request target. Units: bytes.
        var targetByteCount: Int
        /// The longest content, without its framing. Units: bytes.
        var bodyByteCount: Int
        /// The most fields in the head, and the most trailer fields.
        var fieldCount = 128
    }

    /// What the parser found.
    enum Event: Equatable {
        /// More bytes are needed.
        case needMore
        /// The request line and fields are complete.
        case head(RequestHead)
        /// These bytes of the passed buffer belong to the content.
        case body(Range<Int>)
        /// The request is complete; the next call begins the next one.
        case end
    }

    private enum State {
        /// Before the first line.
        case start(sawEmptyLine: Bool)
        /// In the first line.
        case requestLine
        /// In the field lines; the first begins at this offset.
        case fields(RequestLine, begin: Int)
        /// In a body, of which this many bytes are missing.
        case fixed(remaining: Int)
        /// In a chunked body.
        case chunked(ChunkedDecoder)
    }

    /// The request line, as soon as it is complete: a later error is then recorded with method and target.
    private(set) var requestLine: RequestLine?
    private let limits: Limits
    private var state = State.start(sawEmptyLine: false)
    /// Where the current line of an unfinished head begins.
    private var lineStart = 0
    /// How far an unfinished head has been searched for line ends.
    private var searched = 0
    /// How many complete field lines an unfinished head has.
    private var fieldCount = 0

    /// A parser at the beginning of a connection.
    init(limits: Limits) {
        self.limits = limits
    }

    /// Whether a request has begun and not ended, so that the rest of it may still arrive.
    var isMidRequest: Bool { !isBetweenRequests }

    /// Whether no byte of another request has been seen since the last one ended.
    var isBetweenRequests: Bool {
        if case .start = state { true } else { false }
    }

    /// How many more bytes of content were announced. Units: bytes.
    var announced: Int {
        if case .fixed(let remaining) = state { remaining } else { 0 }
    }

    /// Skips content that the caller has read itself, at most what was announced.
    mutating func skip(_ count: Int) {
        guard case .fixed(let remaining) = state, count <= remaining else {
            preconditionFailure("\(count) bytes of content that were not announced")
        }
        state = .fixed(remaining: remaining - count)
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
        switch state {
        case .start(let sawEmptyLine): return try start(bytes, sawEmptyLine: sawEmptyLine)
        case .requestLine, .fields: return try head(bytes)
        case .fixed(let remaining):
            guard remaining > 0 else { return finish(consumed: 0) }
            guard !bytes.isEmpty else { return (.needMore, 0) }
            let count = min(remaining, bytes.count, mostContent)
            state = .fixed(remaining: remaining - count)
            return (.body(0..<count), count)
        case .chunked(var decoder):
            let step = try decoder.next(bytes, mostContent: mostContent)
            state = .chunked(decoder)
            switch step.event {
            case .needMore: return (.needMore, step.consumed)
            case .data(let range): return (.body(range), step.consumed)
            case .end: return finish(consumed: step.consumed)
            }
        }
    }

    private mutating func finish(consumed: Int) -> (event: Event, consumed: Int) {
        state = .start(sawEmptyLine: false)
        requestLine = nil
        return (.end, consumed)
    }

    private mutating func start(
        _ bytes: UnsafeRawBufferPointer, sawEmptyLine: Bool
    ) throws(RequestError) -> (event: Event, consumed: Int) {
        guard let first = bytes.first else { return (.needMore, 0) }
        // One empty line before the request line is ignored: old clients send one after a body (RFC 9112 §2.2).
        if first == Octet.carriageReturn && !sawEmptyLine {
            guard bytes.count >= 2 else { return (.needMore, 0) }
            guard bytes[1] == Octet.lineFeed else { throw .notHTTP(found: Excerpt.of(bytes)) }
            state = .start(sawEmptyLine: true)
            return (.needMore, 2)
        }
        // 0x16 begins a TLS handshake record (RFC 8446 §5.1): the client is told so at once.
        if first == 0x16 { throw .tls }
        guard ByteSet.token.contains(first) else { throw .notHTTP(found: Excerpt.of(bytes)) }
        state = .requestLine
        lineStart = 0
        searched = 0
        return try head(bytes)
    }

    /// Searches an unfinished head for line ends, each byte once.
    private mutating func head(_ bytes: UnsafeRawBufferPointer) throws(RequestError) -> (event: Event, consumed: Int) {
        while let lineFeed = bytes.firstOffset(of: Octet.lineFeed, from: searched) {
            searched = lineFeed + 1
            // Limits first, as where the bytes come one by one: the answer does not depend on how the client sends them.
            if case .requestLine = state { try checkRequestLine(bytes.slice(lineStart..<lineFeed)) }
            guard lineFeed < limits.headerByteCount else { throw .headerTooLong(limit: limits.headerByteCount) }
            // A recipient may accept a bare LF (RFC 9112 §2.2). It is refused here: another party may not accept it.
            guard lineFeed > lineStart, bytes[lineFeed - 1] == Octet.carriageReturn else {
                throw .lineEnding(found: Excerpt.of(bytes.slice(lineStart..<lineFeed)))
            }
            let line = lineStart..<lineFeed - 1
            lineStart = lineFeed + 1

            guard case .fields(let requestLine, let begin) = state else {
                let parsed = try HeadParser.requestLine(bytes.slice(line))
                self.requestLine = parsed
                state = .fields(parsed, begin: lineStart)
                fieldCount = 0
                continue
            }
            guard line.isEmpty else {
                fieldCount += 1
                guard fieldCount <= limits.fieldCount else { throw .tooManyFields(limit: limits.fieldCount) }
                continue
            }

            let head = try HeadParser.head(requestLine, fields: bytes.slice(begin..<line.lowerBound))
            switch head.framing {
            case .none: state = .fixed(remaining: 0)
            case .fixed(let count): state = .fixed(remaining: count)
            case .chunked:
                state = .chunked(
                    ChunkedDecoder(
                        maxByteCount: limits.bodyByteCount, maxTrailerByteCount: limits.headerByteCount,
                        maxTrailerCount: limits.fieldCount))
            }
            return (.head(head), lineStart)
        }
        searched = bytes.count
        if case .requestLine = state { try checkRequestLine(bytes) }
        guard bytes.count < limits.headerByteCount else { throw .headerTooLong(limit: limits.headerByteCount) }
        return (.needMore, 0)
    }

    /// Refuses a request line by its beginning: one whose target is too long, or that is no request at all.
    private func checkRequestLine(_ line: UnsafeRawBufferPointer) throws(RequestError) {
        let first = line.firstOffset(of: Octet.space)
        // No method is that long.
        guard first ?? line.count <= HeadParser.maxMethodByteCount else { throw .notHTTP(found: Excerpt.of(line)) }
        guard let first else { return }
        let end = line.firstOffset(of: Octet.space, from: first + 1) ?? line.count
        if end - first - 1 > limits.targetByteCount { throw .targetTooLong(limit: limits.targetByteCount) }
    }
}
