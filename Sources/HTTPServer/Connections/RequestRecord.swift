import HTTPTypes

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

/// Is told what happens on the sockets; metrics and the access log are built on it.
///
/// Called on the connections' threads, many at once: it must be quick and must not block.
public protocol ServerObserver: Sendable {
    /// A client has been accepted.
    func connectionOpened()
    /// A connection's descriptor has been given back.
    func connectionClosed()
    /// A request has been answered, refused or abandoned.
    func requestCompleted(_ record: RequestRecord)
}
