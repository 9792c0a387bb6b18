/// A condition that did not come true in time.
public struct NeverHappened: Error, CustomStringConvertible {
    public let description: String
}

/// Returns once a condition holds; other tasks run meanwhile.
///
/// For what another thread is about to do and nobody can be told of. A test that waits cannot hang: it fails.
///
/// - Parameters:
///   - limit: far more than the slowest machine needs.
///   - what: says what was waited for, in the failure.
/// - Throws: ``NeverHappened`` after `limit`.
public func eventually(
    _ what: @autoclosure () -> String = "a condition", within limit: Duration = .seconds(30),
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(description: "waited for \(limit), and did not see: \(what())")
        }
        try await Task.sleep(for: .milliseconds(1))
    }
}
