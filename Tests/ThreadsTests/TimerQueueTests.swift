import Synchronization
import TestSupport
import Testing

@testable import Threads

@Suite(.timeLimit(.minutes(2)))
struct TimerListTests {
    private let start = ContinuousClock.now

    @Test func `Elements come out when their time has come, soonest first, whatever order they were added in`() {
        var list = TimerList<String>()
        #expect(list.earliest == nil)
        for (id, milliseconds) in [30, 10, 20, 10, 40].enumerated() {
            _ = list.insert("\(milliseconds) #\(id)", at: start + .milliseconds(milliseconds))
        }
        #expect(list.earliest == start + .milliseconds(10))
        #expect(list.takeDue(now: start + .milliseconds(9)) == [])
        #expect(list.takeDue(now: start + .milliseconds(20)) == ["10 #1", "10 #3", "20 #2"])
        #expect(list.count == 2)
        #expect(list.takeDue(now: start + .milliseconds(99)) == ["30 #0", "40 #4"])
        #expect(list.earliest == nil)
    }

    @Test func `Only the element with that key is removed, once`() {
        var list = TimerList<Int>()
        let keys = (0..<100).map { list.insert($0, at: start + .milliseconds($0 / 10)) }
        #expect(list.remove(keys[55]) == 55)
        #expect(list.remove(keys[55]) == nil)
        #expect(list.count == 99)
        #expect(list.takeDue(now: start + .milliseconds(99)) == Array(0..<55) + Array(56..<100))
        #expect(list.remove(keys[56]) == nil)
    }
}

@Suite(.timeLimit(.minutes(2)))
struct TimerQueueTests {
    /// A clock that a test turns by hand.
    private final class ManualClock: AlarmClock {
        private struct State {
            var now = ContinuousClock.now
            var ringing: ContinuousClock.Instant?
            var action: @Sendable () -> Void = {}
            var isStopped = false
        }

        private let state = Mutex(State())

        var now: ContinuousClock.Instant { state.withLock(\.now) }
        /// When it rings next.
        var ringing: ContinuousClock.Instant? { state.withLock(\.ringing) }
        var isStopped: Bool { state.withLock(\.isStopped) }

        func onRing(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.action = action } }

        func ring(at time: ContinuousClock.Instant) { state.withLock { $0.ringing = min($0.ringing ?? time, time) } }

        func stop() { state.withLock { $0.isStopped = true } }

        /// Turns the clock to a time, and rings as often as is due.
        func turn(to time: ContinuousClock.Instant) {
            while true {
                let action: (@Sendable () -> Void)? = state.withLock { state in
                    guard let ringing = state.ringing, ringing <= time else {
                        state.now = time
                        return nil
                    }
                    (state.now, state.ringing) = (ringing, nil)
                    return state.action
                }
                guard let action else { return }
                action()
            }
        }
    }

    private final class Record: Sendable {
        private let state = Mutex<[Int]>([])
        var done: [Int] { state.withLock { $0 } }
        func add(_ number: Int) { state.withLock { $0.append(number) } }
    }

    @Test func `Actions are done at their times, and each once`() {
        let (clock, record) = (ManualClock(), Record())
        let timers = TimerQueue(clock: clock)
        let start = clock.now
        for number in [3, 1, 2] { timers.schedule(at: start + .seconds(number)) { record.add(number) } }
        #expect(clock.ringing == start + .seconds(1))
        clock.turn(to: start + .milliseconds(999))
        #expect(record.done == [])
        clock.turn(to: start + .seconds(2))
        #expect(record.done == [1, 2])
        #expect(clock.ringing == start + .seconds(3))
        clock.turn(to: start + .seconds(9))
        #expect(record.done == [1, 2, 3])
        #expect(timers.count == 0)
        #expect(clock.ringing == nil)
    }

    @Test func `An action that is cancelled is not done, and leaves nothing behind`() {
        let (clock, record) = (ManualClock(), Record())
        let timers = TimerQueue(clock: clock)
        let tokens = (0..<4).map { number in
            timers.schedule(at: clock.now + .seconds(1)) { record.add(number) }
        }
        timers.cancel(tokens[2])
        timers.cancel(tokens[2])
        #expect(timers.count == 3)
        clock.turn(to: clock.now + .seconds(1))
        #expect(record.done == [0, 1, 3])
        timers.cancel(tokens[0])
        #expect(timers.count == 0)
    }

    @Test func `An action may schedule others, which are done in their turn`() {
        let (clock, record) = (ManualClock(), Record())
        let timers = TimerQueue(clock: clock)
        let start = clock.now
        timers.schedule(at: start + .seconds(1)) { [weak timers] in
            record.add(1)
            timers?.schedule(at: start + .seconds(2)) { record.add(2) }
        }
        clock.turn(to: start + .seconds(2))
        #expect(record.done == [1, 2])
    }

    @Test func `The clock stops with the queue`() {
        let clock = ManualClock()
        var timers: TimerQueue? = TimerQueue(clock: clock)
        timers?.schedule(at: clock.now) {}
        #expect(!clock.isStopped)
        timers = nil
        #expect(clock.isStopped)
    }

    @Test func `On the real clock, a time that is set later but comes sooner is not missed`() async throws {
        let timers = TimerQueue()
        let record = Record()
        for number in 0..<4 {
            timers.schedule(at: .now + .milliseconds(number == 0 ? 50 : 5 * number)) { record.add(number) }
        }
        let token = timers.schedule(at: .now + .milliseconds(20)) { record.add(9) }
        timers.cancel(token)
        timers.schedule(at: .now + .seconds(600)) { record.add(10) }
        try await eventually("four actions are done") { record.done.count >= 4 }
        #expect(record.done == [1, 2, 3, 0])
        #expect(timers.count == 1)
    }
}
