import Dispatch
@testable import Threads

/// The threads of a worker pool.
final class SimulatedWorkers: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    let pool: WorkerPool
    private let scheduler: Scheduler
    private var idle: [SimulatedThread] = []
    private var threads: [SimulatedThread] = []
    /// How often a thread is late, out of a thousand times.
    private let lateness: Int

    init(_ scheduler: Scheduler, threadCount: Int, lateness: Int) {
        self.scheduler = scheduler
        self.lateness = lateness
        let bell = Bell()
        pool = WorkerPool(unmannedThreadCount: threadCount) { bell.ring?() }
        bell.ring = { [unowned self] in wakeOne() }
        for _ in 0..<threadCount {
            let thread = SimulatedThread(scheduler) { [unowned self] thread in run(thread) }
            threads.append(thread)
            thread.resume()
        }
    }

    /// Rings when a job was submitted.
    private final class Bell: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
        var ring: (() -> Void)?
    }

    private func run(_ thread: SimulatedThread) {
        while true {
            if pool.runNext() {
                thread.sleep(scheduler.pickMagnitude(.microseconds(1)...Int.microseconds(40)))
            } else {
                idle.append(thread)
                guard thread.park() else { return }
            }
        }
    }

    private func wakeOne() {
        guard !idle.isEmpty else { return }
        let thread = idle.remove(at: scheduler.pick(0...idle.count - 1))
        let isLate = scheduler.chance(lateness, in: 1000)
        thread.wake(
            after: isLate
                ? scheduler.pick(.milliseconds(1)...Int.milliseconds(80))
                : scheduler.pick(.microseconds(2)...Int.microseconds(50)))
    }

    /// Whether no job runs or waits.
    var isIdle: Bool { idle.count == threads.count && pool.waitingCount == 0 }

    /// Ends the threads, which are all idle.
    func stop() { for thread in threads { thread.stop() } }
}
