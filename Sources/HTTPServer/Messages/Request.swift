import HTTPTypes
import Synchronization

/// A whole request as a handler sees it: read, checked and decoded.
///
/// - Source: RFC 9110 §3.4, §6
public struct Request: Sendable {
    /// Identifies the request in logs and in `X-Request-ID`: the client's own if it sent a sane one, else a fresh one.
    public let id: String
    /// The method; HEAD is told to the handler of GET, which answers as to GET.
    public let method: HTTPRequest.Method
    /// The request target as it was sent, for logs.
    public let target: String
    /// The path, decoded and without dot segments.
    public let path: String
    /// What stood in the places that the route's pattern names: `{model}`.
    public let pathParameters: [String: String]
    /// The query's pairs, decoded.
    public let query: Query
    /// Every field, in order, repeated ones included.
    public let headerFields: HTTPFields
    /// The content, or `.bytes([])` if there was none or the route does not read it.
    public let body: RequestBody
    /// The client's address, without its port.
    public let remoteAddress: String
    /// When the first byte of the request arrived.
    public let startedAt: ContinuousClock.Instant
    /// When its last byte arrived: from then on the answer is in the server's hands.
    public let receivedAt: ContinuousClock.Instant

    /// A request, whole. With its defaults a route can be tested without a socket; `path` and `query` are taken from
    /// `target` where they are left out, and all bytes arrive at once where `receivedAt` is.
    public init(
        id: String = "request",
        method: HTTPRequest.Method = .get,
        target: String = "/",
        path: String? = nil,
        pathParameters: [String: String] = [:],
        query: Query? = nil,
        headerFields: HTTPFields = [:],
        body: RequestBody = .bytes([]),
        remoteAddress: String = "127.0.0.1",
        startedAt: ContinuousClock.Instant = .now,
        receivedAt: ContinuousClock.Instant? = nil
    ) {
        let parsed = path == nil || query == nil ? try? RequestTarget(target, method: method) : nil
        self.id = id
        self.method = method
        self.target = target
        self.path = path ?? parsed?.path ?? target
        self.pathParameters = pathParameters
        self.query = query ?? parsed?.query ?? Query()
        self.headerFields = headerFields
        self.body = body
        self.remoteAddress = remoteAddress
        self.startedAt = startedAt
        self.receivedAt = receivedAt ?? startedAt
    }
}

/// What a request carried behind its fields.
public enum RequestBody: Sendable, Equatable {
    /// The bytes as they were sent, without their framing and content coding; empty if there were none.
    case bytes([UInt8])
    /// The parts of a `multipart/form-data` body (RFC 7578).
    case multipart([Part])

    /// The bytes of the content: of the body, or of all parts together without their fields.
    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .multipart(let parts): parts.reduce(0) { $0 + $1.bytes.count }
        }
    }
}

/// The identifiers that tie a request to its answer and its log line.
enum RequestID {
    /// The longest that is taken from a client: room for a UUID or a trace context, too short to fill a log.
    static let maxByteCount = 128

    /// `text` if it may stand in logs and fields as it is: 1…128 letters, digits, dots, underscores and dashes.
    static func sane(_ text: String?) -> String? {
        guard let text, (1...maxByteCount).contains(text.utf8.count) else { return nil }
        return text.utf8.allSatisfy(ByteSet.requestID.contains) ? text : nil
    }

    /// How many were made, from a random number on.
    private static let count = Atomic<UInt64>(.random(in: .min ... .max))

    /// 16 hexadecimal digits that look random: none is made twice by one program, and among a billion requests to programs that know
    /// nothing of each other a repetition is a matter of 3 %.
    ///
    /// - Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: SplitMix64
    static func generate() -> String {
        var bits = count.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: bits & 15)
                buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                bits >>= 4
            }
            return 16
        }
    }
}
