import HTTPTypes

/// What a router says about a method and a path.
public enum RouteMatch: Sendable {
    /// This route answers, with these parameters.
    case found(Route, parameters: [String: String])
    /// No route has this path: 404.
    case notFound
    /// Routes have this path, but under these methods: 405 with Allow (RFC 9110 §15.5.6).
    case methodNotAllowed(allowed: [HTTPRequest.Method])
}
