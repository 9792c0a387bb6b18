import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ConnectionClockTests {
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

    @Test func `without a lowest rate only pauses end a body`() {
        var options = options
        options.minBytesPerSecond = 0
        var clock = ConnectionClock(idle: .seconds(7), now: start)
        clock.enter(.body, now: start)
        for minute in 1...9 {
            clock.progress(1, now: start + .seconds(29 * minute))
            #expect(clock.deadline(options) == start + .seconds(29 * minute + 30))
        }
        #expect(!clock.hasPaused(.seconds(30), now: start + .seconds(29 * 9 + 29)))
        #expect(clock.hasPaused(.seconds(30), now: start + .seconds(29 * 9 + 30)))
    }

    @Test func `a transfer is behind once its bytes do not pay for its time`() {
        var clock = ConnectionClock(idle: .seconds(7), now: start)
        clock.enter(.body, now: start)
        #expect(!clock.isBehind(now: start + .seconds(2)))
        #expect(clock.isBehind(now: start + .milliseconds(2001)))
        // 122,070 bytes pay for a second, and no burst for more than a quarter of one ahead.
        clock.progress(122_071, now: start + .seconds(1))
        #expect(!clock.isBehind(now: start + .seconds(3)) && clock.isBehind(now: start + .milliseconds(3002)))
        clock.progress(100_000_000, now: start + .seconds(3))
        #expect(!clock.isBehind(now: start + .milliseconds(5250)) && clock.isBehind(now: start + .milliseconds(5251)))
        // A byte a second pays for next to nothing.
        for second in 4...8 { clock.progress(1, now: start + .seconds(second)) }
        #expect(clock.isBehind(now: start + .seconds(8)))
        clock.enter(.handling, now: start)
        #expect(!clock.isBehind(now: start + .seconds(100)))
    }

    @Test func `who gives way first is silent, then at rest, then in its head, then slow, the oldest first`() {
        func rank(_ phase: ConnectionClock.Phase, _ seconds: Int, hasBegun: Bool = true) -> EvictionRank {
            var clock = ConnectionClock(idle: .seconds(7), now: start)
            clock.enter(phase, now: start + .seconds(seconds))
            return EvictionRank(clock, hasBegun: hasBegun)
        }
        let idle = ConnectionClock.Phase.idle(.seconds(60))
        let order = [
            rank(idle, 1, hasBegun: false), rank(.lingering(.seconds(1)), 2),
            rank(idle, 3, hasBegun: false),
            rank(idle, 0), rank(idle, 2), rank(.header, 3), rank(.body, 0), rank(.writing, 2),
            rank(.handling, 0),
        ]
        #expect(order == order.sorted())
        #expect(order.map { $0.isEvictable(now: start + .milliseconds(3500)) } == order.indices.map { $0 < 7 })
        #expect(order.map { $0.isReclaimable(now: start + .seconds(2)) } == order.indices.map { $0 == 6 })
        #expect(order.map(\.isTransferring) == order.indices.map { (6...7).contains($0) })
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
