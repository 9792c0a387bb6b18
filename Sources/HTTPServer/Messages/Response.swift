import HTTPTypes

/// What a handler answers.
///
/// The connection adds Content-Length, Date, Connection and X-Request-ID, and leaves the body out where HTTP wants none
/// (HEAD, 204, 304).
/// - Source: RFC 9110 §3.4, §15
public struct Response: Sendable {
    /// The status code and its reason phrase.
    public var status: HTTPResponse.Status
    /// Further fields. Content-Length, Transfer-Encoding, Connection, Date and X-Request-ID are the connection's and are
    /// dropped from here.
    public var headerFields: HTTPFields
    /// The content.
    public var body: [UInt8]
    /// Tells facts for the access log, never sent; asked only where there is one.
    public var annotations: @Sendable () -> [String: String]
    /// The error that this answer tells, if it tells one; setting it writes ``body`` and its type.
    public var problem: Problem? {
        didSet {
            guard let problem else { return }
            status = problem.status
            headerFields[.contentType] = "application/problem+json"
            body = problem.json
        }
    }

    /// An answer.
    public init(
        status: HTTPResponse.Status = .ok,
        headerFields: HTTPFields = [:],
        body: [UInt8] = [],
        annotations: @escaping @Sendable () -> [String: String] = { [:] }
    ) {
        self.status = status
        self.headerFields = headerFields
        self.body = body
        self.annotations = annotations
    }

    /// Plain text in UTF-8.
    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, contentType: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headerFields: [.contentType: contentType], body: Array(text.utf8))
    }
}
