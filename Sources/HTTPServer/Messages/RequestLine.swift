import HTTPTypes

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
