import DequeModule
import Foundation
import Synchronization

/// Waits for many sockets at once, and does what there is to do for each, one after the other.
///
/// It is the serial executor of its connections and of their requests' handlers. What they touch needs no other
/// protection, and a request passes from its first byte to its last without a change of threads, except to those that
/// decode and compute. So nothing on it may take long. Its ``Poller`` decides on which thread that is: one of its own
/// with epoll, that of a serial queue with Dispatch. The loop ends once nobody holds it, as its connections do.
final class EventLoop: TaskExecutor {
    private let core: Core

    /// Starts to wait.
    ///
    /// - Parameter name: of the thread or the queue, for debuggers.
    /// - Throws: ``SocketError/system(operation:code:)`` where no descriptor is left.
    init(name: String, poller: PollerKind) throws(SocketError) {
        core = Core(try poller.makePoller(name: name))
        core.poller.start(core)
    }

    deinit { core.stop() }

    /// Does something in a turn of the loop, soon; from any thread, and never before this returns.
    func execute(_ work: @escaping @Sendable () -> Void) { core.submit(.work(work)) }

    /// Does something in a turn of the loop, once this time has passed; from any thread. The loop may end before.
    func execute(after delay: Duration, _ work: @escaping @Sendable () -> Void) {
        let time = ContinuousClock.now + delay
        core.submit(.delay(time, work))
    }

    /// Runs a step of a task in a turn of the loop, soon.
    func enqueue(_ job: consuming ExecutorJob) { core.submit(.step(UnownedJob(job), self)) }

    /// Watches a socket from now on; in a turn of the loop only.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` where the system watches no more sockets.
    func watch(
        _ descriptor: Int32, for interest: Readiness, by watcher: any SocketWatcher
    ) throws(SocketError) -> SocketWatch {
        preconditionIsCurrent()
        return try core.sockets.add(descriptor, interest, for: watcher)
    }

    /// Stops the program where the caller is not in a turn of the loop.
    func preconditionIsCurrent() {
        precondition(core.poller.isCurrent, "on \(Thread.current), not on the event loop's thread")
    }

    /// How many deadlines are kept, with those that nobody has any more; for tests, in a turn of the loop only.
    var deadlineCount: Int { core.sockets.deadlineCount }

    private enum Job: Sendable {
        case work(@Sendable () -> Void)
        case delay(ContinuousClock.Instant, @Sendable () -> Void)
        case step(UnownedJob, EventLoop)
    }

    /// What other threads ask for.
    private struct Submitted {
        var jobs: Deque<Job> = []
        /// Whether the poller waits, or is about to, and nobody has woken it.
        var isWaiting = false
        var isStopped = false
    }

    /// The state of the loop. The poller holds it, so that it outlives the loop by the turn that notices the loop's
    /// end.
    private final class Core: PollerClient, @unchecked Sendable {  // guard: all mutable state is touched in turns only
        let poller: any Poller
        let sockets: WatchedSockets
        private let submitted = Mutex(Submitted())
        /// What the loop itself has put off: mostly the first steps of requests that have just come.
        private var ownJobs: Deque<Job> = []
        /// Jobs of other threads that were taken from ``submitted``.
        private var jobs: Deque<Job> = []
        /// Whether the last turn let the poller wait.
        private var hasWaited = false

        /// How many jobs of other threads are done in a row: the many answers of a batch do not hold up who asks next.
        private static let maxJobsInARow = 4

        init(_ poller: any Poller) {
            self.poller = poller
            sockets = WatchedSockets(poller: poller)
        }

        func submit(_ job: Job) {
            if poller.isCurrent { ownJobs.append(job) } else { submit { $0.jobs.append(job) } }
        }

        func stop() { submit { $0.isStopped = true } }

        /// Changes what was submitted and wakes the poller if it waits.
        private func submit(_ change: (inout Submitted) -> Void) {
            let wakes = submitted.withLock { submitted in
                change(&submitted)
                defer { submitted.isWaiting = false }
                return submitted.isWaiting
            }
            if wakes { poller.wake() }
        }

        func ready(_ id: Int, _ readiness: Readiness) {
            noteAwake()
            sockets.tellReady(id, readiness)
            // The request that has just come is on its way to the threads that decode before the next one is read.
            runOwnJobs()
        }

        func turn() -> NextTurn {
            noteAwake()
            while true {
                runOwnJobs()
                for _ in 0..<Self.maxJobsInARow { jobs.popFirst().map(run) }
                sockets.tellDeadlines()

                let isBusy = !jobs.isEmpty || !ownJobs.isEmpty
                let isStopped = submitted.withLock { submitted in
                    if jobs.isEmpty { swap(&jobs, &submitted.jobs) }
                    hasWaited = !isBusy && jobs.isEmpty && !submitted.isStopped
                    submitted.isWaiting = hasWaited
                    return submitted.isStopped
                }
                if isBusy { return .now }
                if jobs.isEmpty { return isStopped ? .never : .at(sockets.earliestDeadline) }
            }
        }

        /// Nobody needs to wake the poller before the next turn's end.
        private func noteAwake() {
            guard hasWaited else { return }
            hasWaited = false
            submitted.withLock { $0.isWaiting = false }
        }

        /// Does what was put off. What that puts off in turn has to wait for the others.
        private func runOwnJobs() {
            for _ in 0..<ownJobs.count { ownJobs.popFirst().map(run) }
        }

        private func run(_ job: Job) {
            switch job {
            case .work(let work): work()
            case .delay(let time, let work): sockets.schedule(work, at: time)
            case .step(let job, let loop): job.runSynchronously(on: loop.asUnownedTaskExecutor())
            }
        }
    }
}
