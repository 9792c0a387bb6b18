import Testing

@testable import Server

@Suite("How long a batch waits for more, on a manual clock")
struct GatheringTests {
    private let start = ContinuousClock.now

    /// Until when a batch waits of images that are ready since the start.
    private func wait(_ gathering: Gathering, readyCount: Int = 2, hasUndecoded: Bool = false) -> Duration {
        gathering.end(readyCount: readyCount, readySince: start, hasUndecoded: hasUndecoded) - start
    }

    /// Runs a batch of four until `end`, in 80 ms, and admits so many images just after it.
    private func run(_ gathering: inout Gathering, end: Duration, returning count: Int) {
        gathering.didRun(4, for: .milliseconds(80), now: start + end)
        gathering.didAdmit(count, now: start + end + .milliseconds(1))
    }

    @Test("Without anything on its way it waits for nothing")
    func lone() {
        var gathering = Gathering()
        #expect(wait(gathering) == .zero)
        gathering.willDecode(now: start)
        gathering.didDecode()
        #expect(wait(gathering) == .zero)
        gathering.didRun(1, for: .milliseconds(10), now: start)
        #expect(wait(gathering) == .zero)
        #expect(gathering.timePerImage == .milliseconds(10))
    }

    @Test("It waits for images that no thread decodes yet, a tenth of a second at most")
    func undecoded() {
        #expect(wait(Gathering(), hasUndecoded: true) == .milliseconds(100))
    }

    @Test("It waits for the last decodings for an eighth of the time that it is going to run")
    func decoding() {
        var gathering = Gathering()
        gathering.willDecode(now: start + .milliseconds(3))
        #expect(wait(gathering) == .zero, "how long it is going to run is not known")
        gathering.didRun(2, for: .milliseconds(16), now: start)
        #expect(wait(gathering, readyCount: 1) == .milliseconds(4))
        #expect(wait(gathering, readyCount: 4) == .milliseconds(7))
        #expect(wait(gathering, readyCount: 400) == .milliseconds(100))
        gathering.didDecode()
        #expect(wait(gathering, readyCount: 4) == .zero)
    }

    @Test("It waits for clients that were answered and usually come back at once, until all are back")
    func returns() {
        var gathering = Gathering()
        run(&gathering, end: .milliseconds(-100), returning: 4)
        #expect(wait(gathering) == .zero)
        run(&gathering, end: .zero, returning: 2)
        #expect(wait(gathering) == .milliseconds(10))
        gathering.didAdmit(1, now: start + .milliseconds(2))
        #expect(wait(gathering) == .milliseconds(10))
        gathering.didAdmit(1, now: start + .milliseconds(3))
        #expect(wait(gathering) == .zero)
    }

    @Test("It waits for clients a tenth of a second at most, however long batches take")
    func slowBatches() {
        var gathering = Gathering()
        for end in [-3000, 0] {
            gathering.didRun(2, for: .seconds(3), now: start + .milliseconds(end))
            gathering.didAdmit(1, now: start + .milliseconds(end))
        }
        #expect(wait(gathering) == .milliseconds(100))
    }

    @Test("It waits for nobody where fewer than half of those that were answered came back", arguments: [1, 2])
    func departures(_ returnCount: Int) {
        var gathering = Gathering()
        run(&gathering, end: .milliseconds(-100), returning: returnCount)
        run(&gathering, end: .zero, returning: 0)
        #expect(wait(gathering) == (returnCount == 2 ? .milliseconds(10) : .zero))
    }

    @Test("Who comes later than an eighth of a batch's time has not come back at once", arguments: [10, 11])
    func lateness(_ milliseconds: Int) {
        var gathering = Gathering()
        run(&gathering, end: .milliseconds(-100), returning: 0)
        gathering.didAdmit(4, now: start + .milliseconds(milliseconds - 100))
        run(&gathering, end: .zero, returning: 0)
        #expect(wait(gathering) == (milliseconds == 10 ? .milliseconds(10) : .zero))
    }
}
