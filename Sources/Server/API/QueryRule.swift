import HTTPServer

/// Which query parameters a route accepts.
///
/// An unknown parameter is refused, with the names of the known ones. If it were ignored, a client would believe that
/// it took effect. Probes and `/metrics` ignore parameters: a healthy server must not fail a probe because of one.
struct QueryRule: Sendable {
    /// A parameter that is accepted, and what it means: completes "this path takes top, …".
    private struct Parameter: Sendable {
        let name: String
        let meaning: String
    }

    /// The parameters that are accepted; nil ignores the whole query.
    private let known: [Parameter]?

    /// Accepts `top` only.
    static let prediction = QueryRule(known: [
        Parameter(name: topName, meaning: "the number of classes that an answer lists")
    ])
    /// Accepts `class` only.
    static let explanation = QueryRule(known: [
        Parameter(name: className, meaning: "the index of the class to explain")
    ])
    /// Accepts no parameters.
    static let none = QueryRule(known: [])
    /// Ignores all parameters.
    static let ignored = QueryRule(known: nil)

    /// The parameter with the number of classes that an answer lists.
    static let topName = "top"

    /// The parameter with the class that an explanation is about.
    static let className = "class"

    /// What other servers and people call ``topName``.
    private static let topSynonyms: Set = [
        "k", "n", "topk", "top_k", "top-k", "topn", "top_n", "top-n", "tops", "limit", "count", "num", "number",
        "num_classes", "num_results", "max_results", "maxresults", "results", "classes",
    ]

    /// 400 if the query has an unknown parameter, or one more than once; nil for a correct query.
    func refusal(of request: Request) -> Response? {
        guard let known else { return nil }
        for item in request.query.items {
            guard known.contains(where: { $0.name == item.name }) else {
                return .problem(.badRequest, unknown(item, known))
            }
            guard request.query.values(item.name).count == 1 else {
                return .problem(
                    .badRequest, "The query parameter \(item.name) occurs more than once; send it once.")
            }
        }
        return nil
    }

    private func unknown(_ item: Query.Item, _ known: [Parameter]) -> String {
        let found = "The query parameter \"\(item.name.prefix(80))\" is unknown"
        guard let first = known.first else { return found + "; this path takes none." }
        guard first.name == Self.topName, Self.meansTop(item.name) else {
            return found + "; this path takes \(first.name), \(first.meaning)."
        }
        return found + "; did you mean \(first.name), as in ?\(first.name)=3?"
    }

    /// Whether `name` is probably a misspelling of ``topName``, or another server's name for it.
    static func meansTop(_ name: String) -> Bool {
        let lowercased = name.lowercased()
        // At most one letter is wrong, missing or extra.
        return topSynonyms.contains(lowercased)
            || lowercased.utf8.count <= 4
                && NearestName.editDistance(Array(lowercased.utf8), Array(topName.utf8)) <= 1
    }
}
