import HTTPTypes

/// Which pages of other origins may read the answers in a browser: Cross-Origin Resource Sharing.
///
/// The policy permits reading; it does not keep anyone out. A browser sends cookies to no origin that `*` lets in, and
/// this server uses none.
///
/// - Source: Fetch Standard, §3.3 (CORS protocol)
public struct CrossOriginPolicy: Sendable, Equatable, CustomStringConvertible {
    /// The origins, as browsers send them: `https://shop.example`, `http://localhost:3000`. Nil means all.
    private let origins: Set<String>?

    /// Every page may read the answers.
    public static let everyone = CrossOriginPolicy(origins: nil)

    /// The pages of these origins may read the answers.
    public init(origins: [String]) { self.init(origins: Set(origins)) }

    private init(origins: Set<String>?) { self.origins = origins }

    /// Parses origins with commas between them; nil if one of them is not an origin: a scheme, a host and a port that is
    /// not the scheme's own, in lower case, since browsers send it so and it is compared byte by byte.
    public init?(_ text: String) {
        let origins = text.split(separator: ",", omittingEmptySubsequences: false).map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        guard origins.allSatisfy(Self.isOrigin) else { return nil }
        self.init(origins: origins)
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let match = text.wholeMatch(of: /([a-z][a-z0-9+.\-]*):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.\-_]+)(:[0-9]{1,5})?/)
        else {
            return false
        }
        return !(match.1 == "http" && match.3 == ":80" || match.1 == "https" && match.3 == ":443")
    }

    /// How long a browser may keep the answer to a preflight. Chromium allows two hours at most. Units: seconds.
    private static let maxAge = 7200

    /// The fields of a request that a page may set, besides those that need no permission.
    private static let requestFields =
        "Authorization, Content-Encoding, Content-Type, Inference-Header-Content-Length, traceparent, tracestate, X-Request-ID"

    /// The fields of an answer that a page may read, besides those that need no permission.
    private static let responseFields = "Inference-Header-Content-Length, Retry-After, X-Request-ID"

    /// Adds what lets the page that sent a request read the answer.
    ///
    /// - Parameter origin: the request's Origin.
    func permit(_ origin: String?, in fields: inout HTTPFields) {
        if origins != nil {
            // A cache must not give one origin's answer to another.
            fields.append(HTTPField(name: .vary, value: "Origin"))
        }
        guard let allowed = allowed(origin) else { return }
        fields[.accessControlAllowOrigin] = allowed
        fields[.accessControlExposeHeaders] = Self.responseFields
    }

    /// Adds the answer to a preflight: a browser asks which methods and fields it may use before it sends a request.
    ///
    /// - Parameters:
    ///   - request: the fields of the OPTIONS request. Without `Access-Control-Request-Method` it is no preflight.
    ///   - methods: those that the path allows.
    func answerPreflight(
        _ request: HTTPFields, methods: [HTTPRequest.Method], in fields: inout HTTPFields
    ) {
        guard request[.accessControlRequestMethod] != nil, allowed(request[.origin]) != nil else { return }
        fields[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
        fields[.accessControlAllowHeaders] = Self.requestFields
        fields[.accessControlMaxAge] = String(Self.maxAge)
    }

    /// The origins as the configuration has them.
    public var description: String { origins.map { $0.sorted().joined(separator: ", ") } ?? "*" }

    /// The value of `Access-Control-Allow-Origin`; nil if the page may not read the answer.
    private func allowed(_ origin: String?) -> String? {
        guard let origins else { return "*" }
        return origin.flatMap { origins.contains($0) ? $0 : nil }
    }
}
