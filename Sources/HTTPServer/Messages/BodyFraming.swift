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
