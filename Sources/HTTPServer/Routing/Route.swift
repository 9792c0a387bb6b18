import HTTPTypes

/// One pattern under one method, and who answers there.
public struct Route: Sendable {
    /// The method; GET answers HEAD too.
    public let method: HTTPRequest.Method
    /// The pattern as it was registered, for metrics: `/v1/models/{model}/predict`.
    public let pattern: String
    /// Whether the handler wants the body; otherwise it is read and dropped.
    public let readsBody: Bool
    /// Answers the request.
    public let handler: Handler
    /// The pattern, taken apart.
    let segments: [Segment]
    /// Whether the pattern is the path itself.
    let isPlain: Bool

    /// A piece of a pattern between two slashes.
    enum Segment: Sendable, Equatable {
        /// This text and no other.
        case text(String)
        /// Any text but none, told to the handler by this name.
        case parameter(String)
    }

    /// A route.
    init(method: HTTPRequest.Method, pattern: String, readsBody: Bool, handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.readsBody = readsBody
        self.handler = handler
        self.segments = Self.split(pattern).map { segment in
            segment.hasPrefix("{") && segment.hasSuffix("}")
                ? .parameter(String(segment.dropFirst().dropLast())) : .text(String(segment))
        }
        self.isPlain = segments.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// Whether requests with this method are answered.
    func answers(_ method: HTTPRequest.Method) -> Bool {
        self.method == method || (self.method == .get && method == .head)
    }

    /// The parameters with which `path`, split, matches the pattern, or nil.
    func parameters(_ path: [Substring]) -> [String: String]? {
        guard path.count == segments.count else { return nil }
        var parameters: [String: String] = [:]
        for (segment, piece) in zip(segments, path) {
            switch segment {
            case .text(let text): guard text == piece else { return nil }
            case .parameter(let name):
                guard !piece.isEmpty else { return nil }
                parameters[name] = String(piece)
            }
        }
        return parameters
    }

    /// The pieces of a path or pattern.
    static func split(_ path: String) -> [Substring] {
        path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    }
}
