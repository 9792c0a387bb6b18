/// A parameter of a query or a form that cannot be used.
struct QueryError: Error, Equatable, Sendable, CustomStringConvertible {
    let name: String
    let found: String
    let expected: String

    var description: String { "The parameter \(name) is \"\(found)\"; it takes \(expected)." }
}
