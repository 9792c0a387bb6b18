import HTTPTypes

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
