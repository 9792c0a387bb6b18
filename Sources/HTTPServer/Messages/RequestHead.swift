import HTTPTypes

/// A request's line and fields, with what they say about the body and the connection.
struct RequestHead: Sendable, Equatable {
    /// Method, target and version.
    let line: RequestLine
    /// Path and query, decoded.
    let target: RequestTarget
    /// Every field in the order it was sent, repeated ones included.
    let headerFields: HTTPFields
    /// How the body's end is found.
    let framing: BodyFraming
    /// Whether the client lets the connection stay open after the answer (RFC 9112 §9.3).
    let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    let expectsContinue: Bool
    /// `X-Request-ID` as the client sent it, sane or not.
    let requestID: String?
    /// The value of the first Content-Type, if there is one.
    let contentType: String?
    /// The elements of `Content-Encoding`, lowercased.
    let contentCodings: [String]
}
