/// A query parameter that cannot be used.
struct QueryError: Error, Equatable, Sendable, CustomStringConvertible {
    let name: String
    let found: String
    let expected: String

    var description: String { "The query parameter \(name) is \"\(found)\"; it takes \(expected)." }
}
