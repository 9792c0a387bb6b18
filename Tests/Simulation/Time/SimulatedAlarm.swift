@testable import Threads

/// The clock of the server's timers.
final class SimulatedAlarm: AlarmClock, @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    private let scheduler: Scheduler
    private var action: (@Sendable () -> Void)?
    private var time: Int?

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    var now: ContinuousClock.Instant { scheduler.now }

    func onRing(_ action: @escaping @Sendable () -> Void) { self.action = action }

    func ring(at instant: ContinuousClock.Instant) {
        let time = max(scheduler.time(of: instant), scheduler.time)
        if let earlier = self.time, earlier <= time { return }
        self.time = time
        // A thread that sleeps wakes a little late.
        scheduler.at(time + scheduler.pick(0...50_000)) { [self] in
            guard self.time == time else { return }
            self.time = nil
            action?()
        }
    }

    func stop() { action = nil }
}
