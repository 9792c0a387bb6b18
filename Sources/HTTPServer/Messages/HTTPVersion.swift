/// The version a request line names, of those this server speaks.
///
/// - Source: RFC 9112 §2.3
enum HTTPVersion: Sendable, Equatable {
    case http10
    /// 1.1, and every later version of HTTP/1, which a recipient reads as the highest that it knows (RFC 9110 §2.5).
    case http11
}
