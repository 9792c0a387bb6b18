import HTTPServer
import HTTPTypes

/// Which query parameters a route takes.
///
/// One that it does not take is refused with the names of those that it does: a wish that is not read would be granted in
/// silence otherwise. Probes take whatever is sent: a healthy server must not fail over it.
struct QueryRule: Sendable {
    /// The names; nil takes whatever is sent.
    private let known: [String]?

    /// `top` and no other.
    static let prediction = QueryRule(known: [topName])
    /// No parameters at all.
    static let none = QueryRule(known: [])
    /// Whatever is sent, unread.
    static let unread = QueryRule(known: nil)

    /// How many classes an answer lists.
    static let topName = "top"

    /// What `top` is called elsewhere.
    private static let topSynonyms: Set = [
        "k", "n", "topk", "top_k", "top-k", "topn", "top_n", "top-n", "tops", "limit", "count", "num", "number",
        "num_classes", "num_results", "max_results", "maxresults", "results", "classes",
    ]

    /// The refusal of a request whose query has a name that is not known here, or one twice; nil where all is well.
    func refusal(of request: Request) -> Response? {
        guard let known else { return nil }
        for item in request.query.items {
            guard known.contains(item.name) else { return .problem(.badRequest, unknown(item, known)) }
            guard request.query.values(item.name).count == 1 else {
                return .problem(
                    .badRequest, "The query parameter \(item.name) is there more than once; send it once.")
            }
        }
        return nil
    }

    private func unknown(_ item: Query.Item, _ known: [String]) -> String {
        let found = "The query parameter \"\(item.name.prefix(80))\" is not known here"
        guard let first = known.first else { return found + "; this path takes none." }
        guard Self.meansTop(item.name) else {
            return found + "; this path takes \(first), the number of classes that an answer lists."
        }
        return found + "; did you mean \(first), as in ?\(first)=3?"
    }

    /// Whether somebody who wrote `name` probably meant ``topName``.
    static func meansTop(_ name: String) -> Bool {
        let lowercased = name.lowercased()
        // At most one letter is wrong, missing or too much.
        return topSynonyms.contains(lowercased)
            || lowercased.utf8.count <= 4
                && NearestName.editDistance(Array(lowercased.utf8), Array(topName.utf8)) <= 1
    }
}

extension Router {
    /// Registers a route of the contract; a query that it does not take is refused.
    mutating func serve(
        _ method: HTTPRequest.Method, _ pattern: RoutePattern, query: QueryRule = .none, readsBody: Bool = false,
        _ handler: @escaping Handler
    ) {
        on(method, pattern.rawValue, readsBody: readsBody) { request in
            if let refusal = query.refusal(of: request) { return refusal }
            return await handler(request)
        }
    }
}
