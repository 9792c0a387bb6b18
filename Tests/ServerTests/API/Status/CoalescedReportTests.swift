import Dispatch
import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct CoalescedReportTests {
    @Test func `requests that arrive while a report is written share the next one`() async throws {
        let count = Mutex(0)
        let begun = AsyncStream.makeStream(of: Void.self)
        let mayEnd = DispatchSemaphore(value: 0)
        let report = CoalescedReport("test") {
            begun.continuation.yield()
            mayEnd.wait()
            let number = count.withLock { count in
                count += 1
                return count
            }
            return .text("\(number)\n")
        }
        var beginnings = begun.stream.makeAsyncIterator()
        async let first = report()
        await beginnings.next()
        // The first is being written now: none of these is answered with it.
        let others = (0..<100).map { _ in Task { await report() } }
        try await eventually("all others wait") { report.waitingCount == others.count }
        mayEnd.signal()
        await beginnings.next()
        mayEnd.signal()
        #expect(await first.body == Array("1\n".utf8))
        for other in others { #expect(await other.value.body == Array("2\n".utf8)) }
        #expect(count.withLock(\.self) == 2)
        mayEnd.signal()
        #expect(await report().body == Array("3\n".utf8))
    }
}
