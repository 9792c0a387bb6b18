import HTTPTypes

/// The request that a connection is busy with, and its answer.
final class Exchange {
    /// When the first byte arrived.
    let startedAt: ContinuousClock.Instant
    /// Identifies the request in the log and in X-Request-ID.
    var id: String
    /// The head, once it is complete.
    var head: RequestHead?
    /// The request line, where the rest of the head could not be parsed.
    var line: RequestLine?
    /// The path, decoded where the head could be parsed; nil if even the request line is missing.
    var path: String? {
        if let head { return head.target.path }
        guard let target = line?.target ?? targetBeginning else { return nil }
        return (try? RequestTarget(target, method: line?.method ?? .get))?.path ?? target
    }
    /// The first bytes of the target, where the request line could not be parsed.
    var targetBeginning: String?
    /// The client's address, where the other side is a proxy that forwards it.
    var clientAddress: String?
    /// The route that matches, once the head is complete.
    var route: Route?
    var pathParameters: [String: String] = [:]
    /// Takes the content, if the route needs it.
    var sink: BodySink?
    /// Removes the content coding, if there is one.
    var decoder: ContentDecoder?
    /// The memory that is reserved for the content.
    var reservation: BodyReservation?
    /// An answer that follows from the head alone, sent at the end of the request.
    var earlyResponse: Response?
    /// The length of head and content so far. Units: bytes.
    var bytesIn = 0
    /// How much of the answer has been handed to the kernel. Units: bytes.
    var bytesOut = 0
    /// The answer's status, once there is one.
    var status: HTTPResponse.Status?
    /// The answer's annotations.
    var annotations: @Sendable () -> [String: String] = { [:] }

    /// A request whose first byte has just arrived.
    init(startedAt: ContinuousClock.Instant, id: String) {
        self.startedAt = startedAt
        self.id = id
    }

    /// The record for the observer.
    func record(remoteAddress: String, isComplete: Bool, now: ContinuousClock.Instant) -> RequestRecord {
        let line = head?.line ?? line
        return RequestRecord(
            id: id, method: line?.method, target: line?.target, route: route?.pattern,
            status: status ?? .clientClosedRequest, bytesIn: bytesIn, bytesOut: bytesOut,
            duration: startedAt.duration(to: now), remoteAddress: remoteAddress,
            trace: head.flatMap { TraceContext(in: $0.headerFields) }, isComplete: isComplete,
            annotations: annotations)
    }
}

/// The outcome of one request, for logs and metrics.
public struct RequestRecord: Sendable {
    /// The request's identifier, as in X-Request-ID.
    public let id: String
    /// The method, or nil if the request line could not be parsed.
    public let method: HTTPRequest.Method?
    /// The target as it was sent, or nil if the request line could not be parsed.
    public let target: String?
    /// The matched route's pattern, or nil.
    public let route: String?
    /// The answer's status, or ``HTTPTypes/HTTPResponse/Status/clientClosedRequest`` if there was none.
    public let status: HTTPResponse.Status
    /// The length of the request's head and content. Units: bytes.
    public let bytesIn: Int
    /// How much of the answer, head included, was handed to the kernel. Units: bytes.
    public let bytesOut: Int
    /// The time from the request's first byte to the answer's last.
    public let duration: Duration
    /// The client's address, without its port.
    public let remoteAddress: String
    /// The trace that the request belongs to, if its client said so.
    public let trace: TraceContext?
    /// Whether the whole answer was written.
    public let isComplete: Bool
    /// Returns what the handler noted for the access log.
    public let annotations: @Sendable () -> [String: String]

    /// A record with these values.
    public init(
        id: String, method: HTTPRequest.Method?, target: String?, route: String?, status: HTTPResponse.Status,
        bytesIn: Int = 0, bytesOut: Int = 0, duration: Duration = .zero, remoteAddress: String = "127.0.0.1",
        trace: TraceContext? = nil, isComplete: Bool = true,
        annotations: @escaping @Sendable () -> [String: String] = { [:] }
    ) {
        self.id = id
        self.method = method
        self.target = target
        self.route = route
        self.status = status
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.duration = duration
        self.remoteAddress = remoteAddress
        self.trace = trace
        self.isComplete = isComplete
        self.annotations = annotations
    }
}

extension HTTPResponse.Status {
    /// 499: the client hung up before it was answered. Never sent; a widespread convention for logs and metrics.
    public static var clientClosedRequest: Self { .init(code: 499, reasonPhrase: "Client Closed Request") }
}
