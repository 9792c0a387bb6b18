import HTTPTypes

/// A request's line and fields, and what they say about the body and the connection.
struct RequestHead: Sendable, Equatable {
    /// Method, target and version.
    let line: RequestLine
    /// Path and query, decoded.
    let target: RequestTarget
    /// Every field in the order in which it was sent, repeated ones included.
    let headerFields: HTTPFields
    /// How the end of the body is found.
    let framing: BodyFraming
    /// Whether the client wants the connection to stay open after the answer (RFC 9112 §9.3).
    let keepsAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    let expectsContinue: Bool
    /// `X-Request-ID` as the client sent it, valid or not.
    let requestID: String?
    /// The value of the first Content-Type, if there is one.
    let contentType: String?
    /// The elements of `Content-Encoding`, lowercased.
    let contentCodings: [String]
}

/// The first line of a request: `method SP request-target SP HTTP-version`.
///
/// - Source: RFC 9112 §3
struct RequestLine: Sendable, Equatable {
    /// The method's token, known or not.
    let method: HTTPRequest.Method
    /// The request target as it was sent.
    let target: String
    /// 1.0 or 1.1.
    let version: HTTPVersion
}

/// The HTTP version of a request, of those that this server supports.
///
/// - Source: RFC 9112 §2.3
enum HTTPVersion: Sendable, Equatable {
    /// 1.0.
    case http10
    /// 1.1, and every later minor version, which is compatible with it (RFC 9110 §2.5).
    case http11
}

/// How the end of a request's body is found.
///
/// - Source: RFC 9112 §6.3
enum BodyFraming: Sendable, Equatable {
    /// Neither Content-Length nor Transfer-Encoding: there is no body (§6.3, rule 7).
    case none
    /// Content-Length: exactly this many bytes follow (§6.3, rule 6).
    case fixed(Int)
    /// Transfer-Encoding: chunked (§6.3, rule 4).
    case chunked
}
