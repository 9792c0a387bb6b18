import Testing

@testable import HTTPServer

@Suite struct ConnectionClockTests {
    private let start = ContinuousClock.now
    private var options: ServerOptions {
        var options = ServerOptions()
        options.minBytesPerSecond = 100
        return options
    }

    @Test func `each phase has its own end`() {
        var clock = ConnectionClock(idle: .seconds(7), now: start)
        #expect(clock.deadline(options) == start + .seconds(7))
        for (phase, seconds) in [
            (ConnectionClock.Phase.header, 10), (.body, 30), (.writing, 30), (.lingering(.seconds(3)), 3),
        ] {
            clock.enter(phase, now: start + .seconds(1))
            #expect(clock.deadline(options) == start + .seconds(1 + seconds), "\(phase)")
        }
        for phase in [ConnectionClock.Phase.handling, .closed] {
            clock.enter(phase, now: start)
            #expect(clock.deadline(options) == nil)
        }
    }

    @Test func `bytes of a head buy no time`() {
        var clock = ConnectionClock(idle: .seconds(7), now: start)
        clock.enter(.header, now: start)
        clock.progress(1000, now: start + .seconds(9))
        #expect(clock.deadline(options) == start + .seconds(10))
    }

    @Test func `a body must make progress and keep up the lowest rate`() {
        var clock = ConnectionClock(idle: .seconds(7), now: start)
        clock.enter(.body, now: start)
        // A byte now and then earns next to nothing.
        clock.progress(1, now: start + .seconds(29))
        #expect(clock.deadline(options) == start + .seconds(30) + .milliseconds(10))
        // 1000 bytes earn 10 s.
        clock.progress(999, now: start + .seconds(29))
        #expect(clock.deadline(options) == start + .seconds(40))
        // However much has come, a stop ends it.
        clock.progress(1_000_000, now: start + .seconds(35))
        #expect(clock.deadline(options) == start + .seconds(65))
    }
}
