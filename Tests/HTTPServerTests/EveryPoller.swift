import Testing

@testable import HTTPServer

/// Runs each test of a suite with every poller that this system has, one after the other.
///
/// A test takes the poller from ``PollerKind/underTest``, as ``TestServer`` does by itself. A failure says which one it
/// was.
struct EveryPoller: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        for kind in [PollerKind.epoll, .dispatch] where kind.isAvailable {
            try await PollerKind.$underTest.withValue(kind) {
                try await Self.named.provideScope(for: test, testCase: testCase, performing: function)
            }
        }
    }

    private static let named = IssueHandlingTrait.compactMapIssues { issue in
        var issue = issue
        issue.comments.append("poller: \(PollerKind.underTest)")
        return issue
    }
}

extension Trait where Self == EveryPoller {
    /// Runs each test of the suite with every poller.
    static var everyPoller: Self { EveryPoller() }
}

extension PollerKind {
    /// What the running test is to use; `auto` in suites without ``EveryPoller``.
    @TaskLocal static var underTest = PollerKind.auto
}
