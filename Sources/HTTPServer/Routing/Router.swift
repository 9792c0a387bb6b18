import HTTPTypes

/// Finds the route for a method and a path.
///
/// Routes are tried in the order of registration, but a pattern without parameters wins over one with parameters, and
/// `{model}:predict` over `{model}`. For a few dozen routes a list is faster than a tree.
public struct Router: Sendable {
    /// Every route, in the order of registration.
    public private(set) var routes: [Route] = []
    /// Edits of the problem documents at and below a path.
    private var problemEdits: [(prefix: String, edit: ProblemEdit)] = []

    /// Gives better errors for requests that match no route.
    private var advice: Advice?

    /// Returns the status and the sentence for a request that matches no route, given the methods that its path
    /// allows; nil for the default ones.
    public typealias Advice =
        @Sendable (_ method: HTTPRequest.Method, _ path: String, _ allowed: [HTTPRequest.Method]) -> (
            status: HTTPResponse.Status, detail: String
        )?

    /// Edits a problem document before it is sent.
    public typealias ProblemEdit = @Sendable (inout Problem) -> Void

    /// A router without routes.
    public init() {}

    /// Registers a route.
    ///
    /// - Parameters:
    ///   - method: GET answers HEAD too.
    ///   - pattern: a path such as `/v1/models/{model}/predict`, in which a name in braces stands for one segment, or for
    ///     what precedes the rest of one, as in `/v1/models/{model}:predict`.
    ///   - readsBody: whether the handler needs the body; otherwise it is read and dropped.
    public mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String, readsBody: Bool = false, handler: @escaping Handler
    ) {
        routes.append(Route(method: method, pattern: pattern, readsBody: readsBody, handler: handler))
    }

    /// Registers an edit of every error at `prefix` and below, whether it comes from a handler, this router, or the
    /// connection that could not parse the request. So an API can use its own form of errors throughout.
    public mutating func editProblems(under prefix: String, _ edit: @escaping ProblemEdit) {
        problemEdits.append((prefix, edit))
    }

    /// Registers `advice`, which is called before a request that matches no route is refused.
    public mutating func advise(_ advice: @escaping Advice) { self.advice = advice }

    /// The answer to a request that matches no route.
    ///
    /// - Parameter allowed: the methods that the path allows; empty if there is no such path.
    func refusal(
        of method: HTTPRequest.Method, _ path: String, allowed: [HTTPRequest.Method] = []
    ) -> Response {
        let advised = advice?(method, path, allowed)
        let found = Excerpt.of(path)
        guard !allowed.isEmpty else {
            // Methods are case-sensitive: `get` is not a known method (RFC 9110 §9.1, §15.6.2).
            guard Self.knownMethods.contains(method) else {
                return .problem(
                    .notImplemented,
                    "'\(Excerpt.of(method.rawValue))' is not a known method; methods are written in capitals.")
            }
            return .problem(
                advised?.status ?? .notFound, advised?.detail ?? "There is no '\(found)' here; check the path.")
        }
        let allow = allowed.map(\.rawValue).joined(separator: ", ")
        let status = advised?.status ?? .methodNotAllowed
        return .problem(
            status, advised?.detail ?? "\(method.rawValue) is not served at '\(found)'; use \(allow).",
            headerFields: status == .methodNotAllowed ? [.allow: allow] : [:])
    }

    /// The methods of RFC 9110 §9.3 and RFC 5789.
    private static let knownMethods: Set<HTTPRequest.Method> = [
        .get, .head, .post, .put, .delete, .connect, .options, .trace, .patch,
    ]

    /// `response` with the edits of its problem document applied.
    ///
    /// - Parameter path: the path of the request; nil if it could not be parsed.
    func finished(_ response: Response, path: String?) -> Response {
        guard var problem = response.problem, let path else { return response }
        let edits = problemEdits.filter { path == $0.prefix || path.hasPrefix($0.prefix + "/") }
        guard !edits.isEmpty else { return response }
        for (_, edit) in edits { edit(&problem) }
        var response = response
        response.problem = problem
        return response
    }

    /// The route for a decoded, normalised path.
    public func match(_ method: HTTPRequest.Method, _ path: String) -> RouteMatch {
        // Most requests are for a path without parameters.
        if let route = routes.first(where: { $0.isPlain && $0.answers(method) && $0.pattern == path }) {
            return .found(route, parameters: [:])
        }
        let pieces = Route.split(path)
        var matches = routes.compactMap { route in route.parameters(pieces).map { (route: route, parameters: $0) } }
        // `/a:predict` is another resource than `/{model}`, whose methods it does not have.
        if matches.contains(where: \.route.hasSuffixes) { matches.removeAll { !$0.route.hasSuffixes } }
        if let match = matches.first(where: { $0.route.answers(method) }) {
            return .found(match.route, parameters: match.parameters)
        }
        guard !matches.isEmpty else { return .notFound }
        var allowed: [HTTPRequest.Method] = []
        for match in matches { Self.allow(match.route.method, in: &allowed) }
        // The connection answers OPTIONS for every path.
        Self.allow(.options, in: &allowed)
        return .methodNotAllowed(allowed: allowed)
    }

    /// Every method that any route answers, and OPTIONS, which needs no route, for `OPTIONS *` (RFC 9110 §9.3.7).
    public var allowedMethods: [HTTPRequest.Method] {
        var allowed: [HTTPRequest.Method] = []
        for route in routes { Self.allow(route.method, in: &allowed) }
        Self.allow(.options, in: &allowed)
        return allowed
    }

    private static func allow(_ method: HTTPRequest.Method, in allowed: inout [HTTPRequest.Method]) {
        if !allowed.contains(method) { allowed.append(method) }
        if method == .get && !allowed.contains(.head) { allowed.append(.head) }
    }
}

/// Answers one request.
///
/// It runs as a task on the thread of its connection's event loop, which serves no other connection until the handler
/// suspends: a handler must not block, and long work belongs on other threads. The task is cancelled when the client
/// hangs up; what it then returns is dropped.
public typealias Handler = @Sendable (Request) async -> Response

/// A method and a path pattern, and the handler for them.
public struct Route: Sendable {
    /// The method. A route for GET also answers HEAD.
    public let method: HTTPRequest.Method
    /// The pattern as it was registered, for metrics: `/v1/models/{model}/predict`.
    public let pattern: String
    /// Whether the handler needs the body; otherwise it is read and dropped.
    public let readsBody: Bool
    /// Answers the request.
    public let handler: Handler
    /// The parsed pattern.
    let segments: [Segment]
    /// Whether the pattern has no parameters.
    let isPlain: Bool

    /// Whether a parameter is only part of its segment.
    let hasSuffixes: Bool

    /// A part of a pattern between two slashes.
    enum Segment: Sendable, Equatable {
        /// Matches this text only.
        case text(String)
        /// Matches any text that is not empty and ends with `suffix`, and passes what precedes that to the handler.
        case parameter(String, suffix: String)
    }

    /// A route.
    init(method: HTTPRequest.Method, pattern: String, readsBody: Bool, handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.readsBody = readsBody
        self.handler = handler
        self.segments = Self.split(pattern).map { segment in
            guard segment.hasPrefix("{"), let end = segment.firstIndex(of: "}") else { return .text(String(segment)) }
            return .parameter(String(segment[..<end].dropFirst()), suffix: String(segment[end...].dropFirst()))
        }
        hasSuffixes = segments.contains { if case .parameter(_, let suffix) = $0 { !suffix.isEmpty } else { false } }
        self.isPlain = segments.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// Whether this route answers requests with this method.
    func answers(_ method: HTTPRequest.Method) -> Bool {
        self.method == method || (self.method == .get && method == .head)
    }

    /// The parameters of `path`, which has been split; nil if it does not match the pattern.
    func parameters(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, piece) in zip(segments, path) {
            switch segment {
            case .text(let text): guard text == piece else { return nil }
            case .parameter(let name, let suffix):
                guard piece.utf8.count > suffix.utf8.count, piece.hasSuffix(suffix) else { return nil }
                parameters[name] = String(piece.dropLast(suffix.count))
            }
        }
        return parameters
    }

    /// The segments of a path or pattern.
    static func split(_ path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}

/// The result of looking up a method and a path.
public enum RouteMatch: Sendable {
    /// This route matches, with these parameters.
    case found(Route, parameters: [String: String])
    /// No route has this path: 404.
    case notFound
    /// Routes have this path, but with these methods only: 405 with Allow (RFC 9110 §15.5.6).
    case methodNotAllowed(allowed: [HTTPRequest.Method])
}
