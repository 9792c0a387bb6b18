import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct CoalescingDelayTests {
    private let start = ContinuousClock.now

    /// Until when a batch waits of images that are ready since the start.
    private func wait(_ delay: CoalescingDelay, readyCount: Int = 2, hasUndecoded: Bool = false) -> Duration {
        delay.end(readyCount: readyCount, readySince: start, hasUndecoded: hasUndecoded) - start
    }

    /// Runs a batch of four until `end`, in 80 ms, and admits so many images just after it.
    private func run(_ delay: inout CoalescingDelay, end: Duration, returning count: Int) {
        delay.didRun(4, for: .milliseconds(80), now: start + end)
        delay.didAdmit(count, now: start + end + .milliseconds(1))
    }

    @Test func `Without anything on its way it waits for nothing`() {
        var delay = CoalescingDelay()
        #expect(wait(delay) == .zero)
        delay.willDecode(now: start)
        delay.didDecode()
        #expect(wait(delay) == .zero)
        delay.didRun(1, for: .milliseconds(10), now: start)
        #expect(wait(delay) == .zero)
        #expect(delay.timePerImage == .milliseconds(10))
    }

    @Test func `It waits for images that no thread decodes yet, a tenth of a second at most`() {
        #expect(wait(CoalescingDelay(), hasUndecoded: true) == .milliseconds(100))
    }

    @Test func `It waits for the last decodings for an eighth of the time that it is going to run`() {
        var delay = CoalescingDelay()
        delay.willDecode(now: start + .milliseconds(3))
        #expect(wait(delay) == .zero, "how long it is going to run is not known")
        delay.didRun(2, for: .milliseconds(16), now: start)
        #expect(wait(delay, readyCount: 1) == .milliseconds(4))
        #expect(wait(delay, readyCount: 4) == .milliseconds(7))
        #expect(wait(delay, readyCount: 400) == .milliseconds(100))
        delay.didDecode()
        #expect(wait(delay, readyCount: 4) == .zero)
    }

    @Test func `It waits for clients that were answered and usually come back at once, until all are back`() {
        var delay = CoalescingDelay()
        run(&delay, end: .milliseconds(-100), returning: 4)
        #expect(wait(delay) == .zero)
        run(&delay, end: .zero, returning: 2)
        #expect(wait(delay) == .milliseconds(10))
        delay.didAdmit(1, now: start + .milliseconds(2))
        #expect(wait(delay) == .milliseconds(10))
        delay.didAdmit(1, now: start + .milliseconds(3))
        #expect(wait(delay) == .zero)
    }

    @Test func `It waits for clients a tenth of a second at most, however long batches take`() {
        var delay = CoalescingDelay()
        for end in [-3000, 0] {
            delay.didRun(2, for: .seconds(3), now: start + .milliseconds(end))
            delay.didAdmit(1, now: start + .milliseconds(end))
        }
        #expect(wait(delay) == .milliseconds(100))
    }

    @Test(arguments: [1, 2])
    func `It waits for nobody where fewer than half of those that were answered came back`(_ returnCount: Int) {
        var delay = CoalescingDelay()
        run(&delay, end: .milliseconds(-100), returning: returnCount)
        run(&delay, end: .zero, returning: 0)
        #expect(wait(delay) == (returnCount == 2 ? .milliseconds(10) : .zero))
    }

    @Test(arguments: [10, 11])
    func `Who comes later than an eighth of a batch's time has not come back at once`(_ milliseconds: Int) {
        var delay = CoalescingDelay()
        run(&delay, end: .milliseconds(-100), returning: 0)
        delay.didAdmit(4, now: start + .milliseconds(milliseconds - 100))
        run(&delay, end: .zero, returning: 0)
        #expect(wait(delay) == (milliseconds == 10 ? .milliseconds(10) : .zero))
    }
}
