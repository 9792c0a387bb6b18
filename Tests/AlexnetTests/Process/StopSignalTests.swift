import Foundation
import Synchronization
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct StopSignalTests {
    /// One test for everything: there is one instance in a process.
    @Test
    func `the first signal asks to stop, a late listener too, and the end comes whether or not anybody has stopped`()
        async throws
    {
        let counts = Mutex((requested: 0, late: 0, ended: 0))
        let stop = StopSignal([SIGUSR2], limit: .zero) { counts.withLock { $0.ended += 1 } }
        stop.onRequest { counts.withLock { $0.requested += 1 } }
        for _ in 0..<3 { kill(getpid(), SIGUSR2) }
        try await eventually("the request to stop") { counts.withLock { $0.requested > 0 } }
        stop.onRequest { counts.withLock { $0.late += 1 } }
        #expect(counts.withLock { $0.late } == 1, "a late listener is called at once")
        try await eventually("the end") { counts.withLock { $0.ended > 0 } }
        #expect(counts.withLock { $0.requested } == 1)
        signal(SIGUSR2, SIG_DFL)
    }
}
