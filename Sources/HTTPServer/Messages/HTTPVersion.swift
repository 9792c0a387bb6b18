/// The version a request line names, of those this server speaks.
///
/// - Source: RFC 9112 §2.3
enum HTTPVersion: Sendable, Equatable {
    case http10
    case http11
}
