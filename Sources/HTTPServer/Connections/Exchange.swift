import HTTPTypes

/// What a connection knows about the request it is busy with, and its answer.
final class Exchange {
    /// When the first byte arrived.
    let startedAt: ContinuousClock.Instant
    /// For the log and X-Request-ID.
    var id: String
    /// The head, once it is whole.
    var head: RequestHead?
    /// The request line, which may be known before the head is.
    var line: RequestLine?
    /// The path, decoded where the head could be read; nil where there is not even a request line.
    var path: String? {
        if let head { return head.target.path }
        guard let target = line?.target ?? targetBeginning else { return nil }
        return (try? RequestTarget(target, method: line?.method ?? .get))?.path ?? target
    }
    /// The first bytes of a target that is too long to be read.
    var targetBeginning: String?
    /// Who answers, once that is known.
    var route: Route?
    var pathParameters: [String: String] = [:]
    /// Where the content goes, if anybody wants it.
    var sink: BodySink?
    /// Takes the content coding off on the way there, if there is one.
    var decoder: ContentDecoder?
    /// The memory that the content takes, once there is some.
    var reservation: BodyReservation?
    /// An answer that was clear from the head alone, to be sent once the request is through.
    var earlyResponse: Response?
    /// Bytes of head and content so far.
    var bytesIn = 0
    /// Bytes of the answer so far.
    var bytesOut = 0
    /// The answer's status, once there is one.
    var status: HTTPResponse.Status?
    /// The answer's annotations.
    var annotations: @Sendable () -> [String: String] = { [:] }

    /// A request whose first byte has just arrived.
    init(startedAt: ContinuousClock.Instant) {
        self.startedAt = startedAt
        self.id = RequestID.generate()
    }

    /// The record for the observer.
    func record(remoteAddress: String, isComplete: Bool, now: ContinuousClock.Instant) -> RequestRecord {
        let line = head?.line ?? line
        return RequestRecord(
            id: id, method: line?.method, target: line?.target, route: route?.pattern,
            status: status ?? .clientClosedRequest, bytesIn: bytesIn, bytesOut: bytesOut,
            duration: startedAt.duration(to: now), remoteAddress: remoteAddress, isComplete: isComplete,
            annotations: annotations)
    }
}

/// What became of one request.
public struct RequestRecord: Sendable {
    /// The request's identifier, as sent in X-Request-ID.
    public let id: String
    /// The method, or nil if the request line could not be read.
    public let method: HTTPRequest.Method?
    /// The target as it was sent, or nil if the request line could not be read.
    public let target: String?
    /// The matched route's pattern, or nil.
    public let route: String?
    /// The answer's status, or ``HTTPTypes/HTTPResponse/Status/clientClosedRequest`` if there was none.
    public let status: HTTPResponse.Status
    /// The bytes of the request's head and content.
    public let bytesIn: Int
    /// The bytes of the answer that were handed to the kernel, head included.
    public let bytesOut: Int
    /// From the arrival of the request's first byte to the writing of the answer's last.
    public let duration: Duration
    /// The client's address, without its port.
    public let remoteAddress: String
    /// Whether the whole answer was written.
    public let isComplete: Bool
    /// Tells what the handler noted for the log.
    public let annotations: @Sendable () -> [String: String]

    /// A record, written out.
    public init(
        id: String, method: HTTPRequest.Method?, target: String?, route: String?, status: HTTPResponse.Status,
        bytesIn: Int = 0, bytesOut: Int = 0, duration: Duration = .zero, remoteAddress: String = "127.0.0.1",
        isComplete: Bool = true, annotations: @escaping @Sendable () -> [String: String] = { [:] }
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
        self.isComplete = isComplete
        self.annotations = annotations
    }
}

extension HTTPResponse.Status {
    /// 499: the client hung up before it was answered. Never sent; a widespread convention for logs and metrics.
    public static var clientClosedRequest: Self { .init(code: 499, reasonPhrase: "Client Closed Request") }
}
