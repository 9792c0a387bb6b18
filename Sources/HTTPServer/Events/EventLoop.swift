import DequeModule
import Foundation
import Synchronization

/// Waits for many sockets at once, and serves those that are ready one after the other. One iteration of it is a turn.
///
/// It is the serial executor of its connections and of their requests' handlers, so that their state needs no other
/// protection. A request stays on one thread from its first byte to its last, except while it is decoded and computed.
/// So nothing on the loop may take long. Its ``Poller`` decides which thread that is: one of its own with epoll, that
/// of a serial queue with Dispatch. The loop ends when its last reference is released; every connection holds one.
final class EventLoop: TaskExecutor {
    private let core: Core
    /// The sockets and the clock.
    let system: any ServerSystem

    /// Starts the loop.
    ///
    /// - Parameter name: the name of the thread or the queue, for debuggers.
    /// - Throws: ``SocketError/system(operation:code:)`` if no descriptor is left.
    init(name: String, system: any ServerSystem) throws(SocketError) {
        self.system = system
        core = Core(try system.makePoller(name: name), system)
        core.poller.start(core)
    }

    deinit { core.stop() }

    /// Runs work in a turn of the loop, soon, but never before this returns. Callable from any thread.
    func execute(_ work: @escaping @Sendable () -> Void) { core.submit(.work(work)) }

    /// Runs work in a turn of the loop, once this time has passed. If the loop ends before, the work is dropped.
    /// Callable from any thread.
    func execute(after delay: Duration, _ work: @escaping @Sendable () -> Void) {
        let time = system.now + delay
        core.submit(.delay(time, work))
    }

    /// Runs a step of a task in a turn of the loop, soon.
    func enqueue(_ job: consuming ExecutorJob) { core.submit(.step(UnownedJob(job), self)) }

    /// Watches a socket from now on. Call it in a turn of the loop only.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` if the system cannot watch more sockets.
    func watch(
        _ descriptor: Int32, for interest: Readiness, by watcher: any SocketWatcher
    ) throws(SocketError) -> SocketWatch {
        preconditionIsCurrent()
        return try core.sockets.add(descriptor, interest, for: watcher)
    }

    /// Stops the program unless the caller is in a turn of the loop.
    func preconditionIsCurrent() {
        precondition(core.poller.isCurrent, "on \(Thread.current), not on the event loop's thread")
    }

    /// How many deadlines are stored, stale ones included. For tests, in a turn of the loop only.
    var deadlineCount: Int { core.sockets.deadlineCount }

    private enum Job: Sendable {
        case work(@Sendable () -> Void)
        case delay(ContinuousClock.Instant, @Sendable () -> Void)
        case step(UnownedJob, EventLoop)
    }

    /// What other threads have submitted.
    private struct Submitted {
        var jobs: Deque<Job> = []
        /// Whether the poller waits or is about to, and nobody has woken it.
        var isWaiting = false
        var isStopped = false
    }

    /// The state of the loop. The poller holds it, so that it lives until the turn that notices the loop's end.
    private final class Core: PollerClient, @unchecked Sendable {  // guard: all mutable state is touched in turns only
        let poller: any Poller
        let sockets: WatchedSockets
        private let submitted = Mutex(Submitted())
        /// Jobs that were submitted on the loop itself: mostly the first steps of requests that have just arrived.
        private var ownJobs: Deque<Job> = []
        /// Jobs of other threads that were taken from ``submitted``.
        private var jobs: Deque<Job> = []
        /// Whether the last turn let the poller wait.
        private var hasWaited = false

        /// The most jobs of other threads that run in a row, so that the many answers of a batch do not delay the next
        /// requests.
        private static let maxJobsInARow = 4

        init(_ poller: any Poller, _ system: any ServerSystem) {
            self.poller = poller
            sockets = WatchedSockets(poller: poller, system: system)
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
            // A request that has just arrived is handed to the decoding threads before the next one is read.
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

        /// Marks the loop as awake: nobody needs to wake the poller before the turn ends.
        private func noteAwake() {
            guard hasWaited else { return }
            hasWaited = false
            submitted.withLock { $0.isWaiting = false }
        }

        /// Runs the loop's own jobs. Jobs that these submit wait for the next call.
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
