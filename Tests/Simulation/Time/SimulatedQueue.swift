@testable import Server

/// A queue of the server: a thread of its own that runs one job after the other.
final class SimulatedQueue: SerialQueue, @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    private let scheduler: Scheduler
    private var thread: SimulatedThread?
    private var jobs: [@Sendable () -> Void] = []
    private var isIdle = false
    /// Whether a job of ``run(_:)`` holds the queue.
    private var isHeld = false
    /// Threads that wait to hold it.
    private var waiting: [SimulatedThread] = []

    init(_ scheduler: Scheduler) { self.scheduler = scheduler }

    func submit(_ job: @escaping @Sendable () -> Void) {
        jobs.append(job)
        if thread == nil {
            let thread = SimulatedThread(scheduler) { [unowned self] thread in run(thread) }
            self.thread = thread
            thread.wake(after: scheduler.pick(1000...20_000))
        } else if isIdle {
            isIdle = false
            thread?.wake(after: scheduler.pick(1000...20_000))
        }
    }

    private func run(_ thread: SimulatedThread) {
        while true {
            if jobs.isEmpty {
                isIdle = true
                guard thread.park() else { return }
            } else {
                jobs.removeFirst()()
                scheduler.hasQueueRun = true
            }
        }
    }

    func run<Result>(_ job: () -> Result) -> Result {
        precondition(jobs.isEmpty, "a queue is used either way, but not both")
        while isHeld {
            guard let thread = scheduler.thread else { preconditionFailure("an event cannot wait") }
            waiting.append(thread)
            _ = thread.park()
        }
        isHeld = true
        defer { scheduler.hasQueueRun = true }
        let result = job()
        isHeld = false
        if !waiting.isEmpty { waiting.removeFirst().wake(after: 1000) }
        return result
    }

    /// Ends the thread, which is idle.
    func stop() { thread?.stop() }

    /// Whether nothing runs or waits.
    var isAtRest: Bool { jobs.isEmpty && !isHeld && (thread == nil || isIdle) }
}
