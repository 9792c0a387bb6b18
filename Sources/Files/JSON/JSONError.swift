/// Where a text stops being the JSON that its reader expects.
package struct JSONError: Error, Equatable, Sendable {
    /// Units: bytes from the beginning.
    package let offset: Int
    package let found: String
    package let expected: String
}

/// An error that can say what is wrong with JSON: each reader has its own, and throws only that.
package protocol JSONFailure: Error {
    init(_ error: JSONError)
}

extension CheckpointError: JSONFailure {
    package init(_ error: JSONError) {
        self = .invalidHeader(offset: error.offset, found: error.found, expected: error.expected)
    }
}
