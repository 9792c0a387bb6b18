/// Turns the bytes of one request after another into events; does no I/O and holds no bytes.
///
/// Strategy: the caller owns the receive buffer and passes everything in it that is unread; the parser answers with one
/// event and the number of bytes to drop. A head is read only once it is whole, in place, so nothing is copied but what a
/// `Request` keeps; until then only the line ends are looked at, each byte once. Whatever is dubious is refused: this
/// server may stand behind a proxy that reads the same bytes otherwise. After an error the parser must not be used again.
/// - Source: RFC 9112
struct RequestParser {
    /// What a request may take up. Units: bytes.
    struct Limits: Sendable {
        /// Of the request line and the fields together, with every line end.
        var headerByteCount: Int
        /// Of the request target.
        var targetByteCount: Int
        /// Of the content, without its framing.
        var bodyByteCount: Int
        /// How many fields, in the head and again behind the last chunk.
        var fieldCount = 128
    }

    /// What the parser found.
    enum Event: Equatable {
        /// Nothing more can be said before more bytes come.
        case needMore
        /// The request line and fields are whole.
        case head(RequestHead)
        /// These bytes of the passed buffer belong to the content.
        case body(Range<Int>)
        /// The request is whole; the next call begins the next one.
        case end
    }

    private enum State {
        /// Before the first line.
        case start(sawEmptyLine: Bool)
        /// In the first line.
        case requestLine
        /// In the field lines; the first begins at this offset.
        case fields(RequestLine, begin: Int)
        /// In a body with so many bytes to come.
        case fixed(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    /// The request line, as soon as it is whole: an error further on can then be told with method and target.
    private(set) var requestLine: RequestLine?
    private let limits: Limits
    private var state = State.start(sawEmptyLine: false)
    /// Where the current line of an unfinished head begins.
    private var lineStart = 0
    /// How far an unfinished head has been searched for line ends.
    private var searched = 0
    /// How many whole field lines an unfinished head has.
    private var fieldCount = 0

    /// A parser at the beginning of a connection.
    init(limits: Limits) {
        self.limits = limits
    }

    /// Whether the request that was begun last has not ended, so that its body may still arrive.
    var isMidRequest: Bool { !isBetweenRequests }

    /// Whether no byte of a request has been seen since the last one ended.
    var isBetweenRequests: Bool {
        if case .start = state { true } else { false }
    }

    /// How many bytes are known to come before the request is whole.
    var announced: Int {
        if case .fixed(let remaining) = state { remaining } else { 0 }
    }

    /// Takes note that content went by without being passed to ``next(_:)``, no more than was announced.
    mutating func skip(_ count: Int) {
        guard case .fixed(let remaining) = state, count <= remaining else {
            preconditionFailure("\(count) bytes of content that were not announced")
        }
        state = .fixed(remaining: remaining - count)
    }

    /// Reads on in `bytes`, everything received and not yet consumed.
    /// - Parameter mostContent: how long a range of content is at most.
    /// - Returns: the event, and how many bytes at the front of `bytes` are done with.
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
        // One empty line before the request line is ignored, since old clients send one behind a body (RFC 9112 §2.2).
        if first == Octet.carriageReturn && !sawEmptyLine {
            guard bytes.count >= 2 else { return (.needMore, 0) }
            guard bytes[1] == Octet.lineFeed else { throw .notHTTP(found: Excerpt.of(bytes)) }
            state = .start(sawEmptyLine: true)
            return (.needMore, 2)
        }
        // 0x16 0x03 begins a TLS handshake record (RFC 8446 §5.1): say so instead of waiting for a line end.
        if first == 0x16 { throw .tls }
        guard ByteSet.token.contains(first) else { throw .notHTTP(found: Excerpt.of(bytes)) }
        state = .requestLine
        lineStart = 0
        searched = 0
        return try head(bytes)
    }

    /// Looks at each line end of an unfinished head once.
    private mutating func head(_ bytes: UnsafeRawBufferPointer) throws(RequestError) -> (event: Event, consumed: Int) {
        while let lineFeed = bytes.firstOffset(of: Octet.lineFeed, from: searched) {
            searched = lineFeed + 1
            // A bare LF may end a line (RFC 9112 §2.2), but it is refused: the next party may not think so.
            guard lineFeed > lineStart, bytes[lineFeed - 1] == Octet.carriageReturn else {
                throw .lineEnding(found: Excerpt.of(bytes.slice(lineStart..<lineFeed)))
            }
            let line = lineStart..<lineFeed - 1
            lineStart = lineFeed + 1

            guard case .fields(let requestLine, let begin) = state else {
                try checkTarget(bytes.slice(line))
                let parsed = try HeadParser.requestLine(bytes.slice(line))
                self.requestLine = parsed
                state = .fields(parsed, begin: lineStart)
                fieldCount = 0
                continue
            }
            guard lineStart <= limits.headerByteCount else { throw .headerTooLong(limit: limits.headerByteCount) }
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
        if case .requestLine = state {
            try checkTarget(bytes)
            // No line end and no space, but longer than any method: this is no request.
            guard bytes.count <= HeadParser.maxMethodByteCount || bytes.firstOffset(of: Octet.space) != nil else {
                throw .notHTTP(found: Excerpt.of(bytes))
            }
        }
        guard bytes.count < limits.headerByteCount else { throw .headerTooLong(limit: limits.headerByteCount) }
        return (.needMore, 0)
    }

    /// Refuses a target that is too long, also while its line is still arriving.
    private func checkTarget(_ line: UnsafeRawBufferPointer) throws(RequestError) {
        guard let first = line.firstOffset(of: Octet.space) else { return }
        let end = line.firstOffset(of: Octet.space, from: first + 1) ?? line.count
        if end - first - 1 > limits.targetByteCount { throw .targetTooLong(limit: limits.targetByteCount) }
    }
}
