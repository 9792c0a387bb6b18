import Dispatch
import Foundation

/// A thread of the simulated server. It is a real one, so that what it calls may stop in the middle and go on later; but it
/// runs only while the scheduler waits for it.
final class SimulatedThread: @unchecked Sendable {  // guard: its variables change only while it or the scheduler runs
    private let scheduler: Scheduler
    private let turn = DispatchSemaphore(value: 0)
    private let done = DispatchSemaphore(value: 0)
    private var isEnded = false
    private var isStopped = false

    /// - Parameter body: what the thread does, until ``park()`` returns false.
    init(_ scheduler: Scheduler, _ body: @escaping @Sendable (SimulatedThread) -> Void) {
        self.scheduler = scheduler
        let thread = Thread { [self] in
            turn.wait()
            body(self)
            isEnded = true
            done.signal()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Lets the thread run until it sleeps, parks or ends. Called by events only.
    func resume() {
        guard !isEnded else { return }
        let before = scheduler.current
        scheduler.current = self
        turn.signal()
        done.wait()
        scheduler.current = before
    }

    /// Lets the thread run soon.
    func wake(after delay: Int) { scheduler.after(delay) { self.resume() } }

    /// Lets others run for a while. Called on the thread itself. Units: nanoseconds.
    func sleep(_ duration: Int) {
        wake(after: duration)
        suspend()
    }

    /// Lets others run until somebody resumes the thread. Called on the thread itself.
    ///
    /// - Returns: false if the thread has to end.
    func park() -> Bool {
        suspend()
        return !isStopped
    }

    /// Ends a thread that is parked.
    func stop() {
        isStopped = true
        resume()
    }

    private func suspend() {
        done.signal()
        turn.wait()
    }
}
