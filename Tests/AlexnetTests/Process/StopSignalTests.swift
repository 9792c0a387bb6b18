import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct StopSignalTests {
    /// One test for all: there is one instance a process.
    @Test
    func `the first signal asks to stop, a late listener too, and the end comes whether or not anybody has stopped`()
        async
    {
        let requested = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        let requestCount = Mutex(0)
        let stop = StopSignal([SIGUSR2], limit: .zero) { ended.signal() }
        stop.onRequest {
            requestCount.withLock { $0 += 1 }
            requested.signal()
        }
        for _ in 0..<3 { kill(getpid(), SIGUSR2) }
        await Self.wait(for: requested)
        stop.onRequest { requested.signal() }
        await Self.wait(for: requested)
        await Self.wait(for: ended)
        #expect(requestCount.withLock(\.self) == 1)
        signal(SIGUSR2, SIG_DFL)
    }

    private static func wait(for semaphore: DispatchSemaphore) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                semaphore.wait()
                continuation.resume()
            }
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct OutputStreamTests {
    @Test func `writing gives up in time, with what fits written`() throws {
        var ends: [Int32] = [0, 0]
        let made = pipe(&ends)
        try #require(made == 0)
        let saved = dup(STDERR_FILENO)
        dup2(ends[1], STDERR_FILENO)
        // Far more than a pipe holds: this returns, or the test hangs.
        OutputStream.error.writeIfPossible(String(repeating: "x", count: 1 << 20), within: .milliseconds(1))
        dup2(saved, STDERR_FILENO)
        for descriptor in [saved, ends[1]] { close(descriptor) }
        let written = try FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readToEnd() ?? Data()
        #expect(written.count >= 4096 && written.count < 1 << 20)
    }
}
