import CLinux
import DequeModule
import Foundation
import Synchronization

/// One thread that waits for many sockets at once, and does what there is to do for each, one after the other.
///
/// It is the serial executor of its connections and of their requests' handlers: what they touch needs no other protection, and a
/// request passes from its first byte to its last without a change of threads, except to those that decode and compute.
/// So nothing on it may take long. The thread ends once nobody holds the loop, as its connections do.
final class EventLoop: TaskExecutor {
    private let state: State

    /// Starts the thread.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` where the system has no descriptor left.
    init(name: String) throws(SocketError) {
        let state = State(try Poller())
        self.state = state
        Thread.detachNewThread {
            pthread_setname_np(pthread_self(), name)
            state.run()
        }
    }

    deinit { state.stop() }

    /// Does something on the thread, soon; from any thread, and never before this returns.
    func execute(_ work: @escaping @Sendable () -> Void) { state.submit(.work(work)) }

    /// Runs a step of a task on the thread, soon.
    func enqueue(_ job: consuming ExecutorJob) { state.submit(.step(UnownedJob(job), self)) }

    /// Watches a socket from now on; on the thread only.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` where the system watches as many as it wants to.
    func watch(
        _ descriptor: Int32, for interest: Readiness, by watcher: any SocketWatcher
    ) throws(SocketError) -> SocketWatch {
        preconditionIsCurrent()
        return try state.sockets.add(descriptor, interest, for: watcher)
    }

    /// Stops the program where the caller is not on the thread.
    func preconditionIsCurrent() {
        precondition(state.isCurrent, "on \(Thread.current), not on the event loop's thread")
    }

    private enum Job: Sendable {
        case work(@Sendable () -> Void)
        case step(UnownedJob, EventLoop)

        func run() {
            switch self {
            case .work(let work): work()
            case .step(let job, let loop): job.runSynchronously(on: loop.asUnownedTaskExecutor())
            }
        }
    }

    /// What other threads ask for.
    private struct Submitted {
        var jobs: Deque<Job> = []
        /// Whether the thread waits, or is about to, and nobody has woken it.
        var isWaiting = false
        var isStopped = false
    }

    private final class State: @unchecked Sendable {  // guard: `sockets` and `ownJobs` are touched on the thread only
        let sockets: WatchedSockets
        private let poller: Poller
        private let submitted = Mutex(Submitted())
        private let thread = Atomic<pthread_t>(0)
        /// What the thread itself has put off: mostly the first steps of requests that have just come.
        private var ownJobs: Deque<Job> = []

        /// How many jobs of other threads are done in a row: the many answers of a batch do not hold up who asks next.
        private static let mostJobsInARow = 4

        init(_ poller: Poller) {
            self.poller = poller
            sockets = WatchedSockets(poller: poller)
        }

        var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

        func submit(_ job: Job) {
            if isCurrent { ownJobs.append(job) } else { submit { $0.jobs.append(job) } }
        }

        func stop() { submit { $0.isStopped = true } }

        /// Changes what was submitted and wakes the thread where it waits.
        private func submit(_ change: (inout Submitted) -> Void) {
            let wakes = submitted.withLock { submitted in
                change(&submitted)
                defer { submitted.isWaiting = false }
                return submitted.isWaiting
            }
            if wakes { poller.wake() }
        }

        /// What the thread does all its life.
        func run() {
            thread.store(pthread_self(), ordering: .relaxed)
            var jobs: Deque<Job> = []
            while true {
                runOwnJobs()
                for _ in 0..<Self.mostJobsInARow { jobs.popFirst()?.run() }
                sockets.tellDeadlines()

                let isBusy = !jobs.isEmpty || !ownJobs.isEmpty
                let (waits, isStopped) = submitted.withLock { submitted in
                    if jobs.isEmpty { swap(&jobs, &submitted.jobs) }
                    submitted.isWaiting = !isBusy && jobs.isEmpty && !submitted.isStopped
                    return (submitted.isWaiting, submitted.isStopped)
                }
                if !isBusy, !jobs.isEmpty { continue }
                if isStopped, !isBusy { return }
                let readyCount = sockets.wait(waits)
                if waits { submitted.withLock { $0.isWaiting = false } }
                // A request that has come is on its way to the threads that decode before the next one is read.
                sockets.tellReady(readyCount) { runOwnJobs() }
            }
        }

        /// What these put off in turn has to wait for the others.
        private func runOwnJobs() {
            for _ in 0..<ownJobs.count { ownJobs.popFirst()?.run() }
        }
    }
}
