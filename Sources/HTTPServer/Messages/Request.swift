import Files
import HTTPTypes
import Synchronization

/// A complete request as its handler sees it: parsed, checked and decoded.
///
/// - Source: RFC 9110 §3.4, §6
public struct Request: Sendable {
    /// Identifies the request in logs and in `X-Request-ID`: the client's own if it sent a valid one, else a new one.
    public let id: String
    /// The method. A HEAD request goes to the handler of GET, which answers it as a GET.
    public let method: HTTPRequest.Method
    /// The request target as it was sent, for logs.
    public let target: String
    /// The path, decoded and without dot segments.
    public let path: String
    /// The values of the parameters in the route's pattern, such as `{model}`, by name.
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
    /// When its last byte arrived. From then on the time to the answer is the server's.
    public let receivedAt: ContinuousClock.Instant

    /// A request with these values. The defaults let a test call a route without a socket: `path` and `query` are
    /// derived from `target`, and `receivedAt` is `startedAt`.
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

/// The content of a request.
public enum RequestBody: Sendable, Equatable {
    /// The bytes without framing and content coding; empty if there were none.
    case bytes([UInt8])
    /// The parts of a `multipart/form-data` body (RFC 7578).
    case multipart([Part])

    /// The length of the content: of the body, or of all parts together without their fields. Units: bytes.
    public var byteCount: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .multipart(let parts): parts.reduce(0) { $0 + $1.bytes.count }
        }
    }
}

/// The identifiers that connect a request with its answer and its log line.
enum RequestID {
    /// The longest identifier that is accepted from a client: enough for a UUID or a trace context, too short to flood
    /// a log. Units: bytes.
    static let maxByteCount = 128

    /// `text` if it is a valid identifier: 1 to 128 letters, digits, dots, underscores and hyphens.
    static func sane(_ text: String?) -> String? {
        guard let text, (1...maxByteCount).contains(text.utf8.count) else { return nil }
        return text.utf8.allSatisfy(ByteSet.requestID.contains) ? text : nil
    }

    /// The generator's state; it starts at a random number.
    private static let count = Atomic<UInt64>(.random(in: .min ... .max))

    /// 16 pseudorandom hexadecimal digits. One process never repeats them; among a billion requests to independent
    /// processes a repetition has a probability of 3 %.
    ///
    /// - Source: ``Mix64``
    static func generate() -> String {
        var bits = Mix64.mix(count.wrappingAdd(Mix64.increment, ordering: .relaxed).newValue)
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
