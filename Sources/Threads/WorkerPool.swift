import CLinux
import DequeModule
import Foundation
import Synchronization

/// A fixed number of threads, on which images are decoded and networks run.
///
/// A free thread takes a job if there is one. Otherwise it helps a thread that is in the middle of a
/// ``parallelFor(_:_:)``. So a lone request spreads over every core, while under load each thread works on a job of its
/// own and none waits for another. A thread that has helped spins for the next step, a tenth of a millisecond at most. One
/// thread fewer than the pool has helps at the same time: whoever calls ``parallelFor(_:_:)`` works too, and may be no thread
/// of the pool.
public final class WorkerPool: Sendable {
    /// The lane of a job. Waiting jobs are taken from both lanes in turn, `high` first, so that neither lane can starve
    /// the other. Within a lane, the job that came first is taken first.
    public enum Lane: Int, Sendable, CaseIterable {
        case high, normal
    }

    /// How many threads there are.
    public let threadCount: Int
    private let state: State

    /// Starts the threads; they live until the pool is released.
    public convenience init(threadCount: Int) {
        self.init(unmannedThreadCount: threadCount)
        for index in 0..<threadCount {
            let thread = Thread { [state] in
                pthread_setname_np(pthread_self(), "worker-\(index)")
                state.run()
            }
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    /// A pool without threads. Jobs wait until somebody calls ``runNext()``, so many at once as there would be threads: the
    /// simulation does.
    init(unmannedThreadCount threadCount: Int, onSubmit: @escaping @Sendable () -> Void = {}) {
        precondition(threadCount > 0, "a pool needs at least one thread, not \(threadCount)")
        self.threadCount = threadCount
        state = State(threadCount: threadCount, onSubmit: onSubmit)
    }

    deinit { state.stop() }

    /// Runs the job on this thread that a thread of the pool would take next; false if there is none.
    func runNext() -> Bool { state.runNext() }

    /// Runs a job on one of the threads, soon.
    public func submit(_ lane: Lane, _ job: @escaping @Sendable () -> Void) { state.submit(lane, job) }

    /// How many jobs wait for a thread.
    package var waitingCount: Int { state.waitingCount }

    /// How many jobs were begun so far; nil while one runs or waits. If two readings are equal, no job ran in between;
    /// threads may still have helped with a ``parallelFor(_:_:)``.
    package var jobCountAtRest: Int? { state.jobCountAtRest }

    /// Runs the first waiting job of a lane on this thread, in the middle of the current job; false if none waits.
    ///
    /// For a long job that yields to others at points where it holds no resources.
    public func runWaiting(_ lane: Lane) -> Bool {
        guard let job = state.takeJob(of: lane) else { return false }
        job()
        return true
    }

    /// Runs work on one of the threads and waits for it, without blocking a thread of Swift's cooperative pool.
    public func perform<T: Sendable>(
        _ lane: Lane = .normal, _ work: @escaping @Sendable () -> T
    ) async -> T {
        await withCheckedContinuation { continuation in
            submit(lane) { continuation.resume(returning: work()) }
        }
    }

    /// Runs `body` for each index of `0..<count`, on this thread and on those that have nothing else to do, and
    /// returns when all are done.
    ///
    /// - Parameter body: takes the index, and a slot of `0..<threadCount` that no other thread has at that time: for
    ///   its scratch memory.
    public func parallelFor(_ count: Int, _ body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void) {
        guard count > 1, threadCount > 1 else {
            for index in 0..<count { body(index, 0) }
            return
        }
        let region = ParallelRegion(count: count, slotCount: threadCount, body: body)
        state.share(region)
        region.participate()
        state.unshare(region)
        region.waitUntilDone()
    }

    /// Like ``parallelFor(_:_:)`` for many small pieces of work, dealt out `blockSize` at a time.
    public func parallelForBlocks(
        _ count: Int, blockSize: Int, _ body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void
    ) {
        parallelFor((count + blockSize - 1) / blockSize) { block, slot in
            for index in block * blockSize..<min((block + 1) * blockSize, count) { body(index, slot) }
        }
    }

    private final class State: @unchecked Sendable {  // guard: every property is touched under `lock` only
        private let lock = ThreadLock()
        /// Signalled when there is work for idle threads.
        private let work: ThreadCondition
        /// Counts jobs and regions that were offered, so that a thread can see without the lock that there is a new
        /// one.
        private let offerCount = Atomic(0)
        /// Jobs that a thread has taken, changed under `lock`.
        private var takenCount = 0
        /// How many of those jobs are done.
        private let doneCount = Atomic(0)
        private var jobs: [Deque<@Sendable () -> Void>] = Lane.allCases.map { _ in [] }
        private var lastLane = Lane.normal
        private var regions: [ParallelRegion] = []
        /// How many threads wait for ``work``.
        private var idleCount = 0
        /// How many threads help with a region or spin for the next one, and how many may.
        private var helperCount = 0
        private let helperLimit: Int
        private var isStopped = false
        /// Called after a job was submitted.
        private let onSubmit: @Sendable () -> Void

        init(threadCount: Int, onSubmit: @escaping @Sendable () -> Void) {
            helperLimit = threadCount - 1
            self.onSubmit = onSubmit
            work = ThreadCondition(of: lock)
        }

        func submit(_ lane: Lane, _ job: @escaping @Sendable () -> Void) {
            lock.withLock {
                jobs[lane.rawValue].append(job)
                offerCount.add(1, ordering: .relaxed)
                if idleCount > 0 { work.signal() }
            }
            onSubmit()
        }

        func runNext() -> Bool {
            guard let job = lock.withLock({ takeJob() }) else { return false }
            job()
            doneCount.add(1, ordering: .releasing)
            return true
        }

        func takeJob(of lane: Lane) -> (@Sendable () -> Void)? { lock.withLock { jobs[lane.rawValue].popFirst() } }

        var waitingCount: Int { lock.withLock { jobs.reduce(0) { $0 + $1.count } } }

        var jobCountAtRest: Int? {
            lock.withLock {
                let isAtRest =
                    jobs.allSatisfy(\.isEmpty) && doneCount.load(ordering: .acquiring) == takenCount
                return isAtRest ? takenCount : nil
            }
        }

        /// Offers a region to the threads that are idle or become so.
        func share(_ region: ParallelRegion) {
            lock.withLock {
                regions.append(region)
                offerCount.add(1, ordering: .relaxed)
                for _ in 0..<min(idleCount, max(0, helperLimit - helperCount)) { work.signal() }
            }
        }

        func unshare(_ region: ParallelRegion) { lock.withLock { remove(region) } }

        func stop() {
            lock.withLock {
                isStopped = true
                work.broadcast()
            }
        }

        /// The loop of one thread.
        func run() { while takeTurn() {} }

        /// Runs a job or helps with a region, or waits if there is neither. What was run is released outside the lock:
        /// the pool itself may go with it.
        ///
        /// - Returns: false once the pool is stopped and nothing is left to do.
        private func takeTurn() -> Bool {
            lock.lock()
            if let job = takeJob() {
                lock.unlock()
                job()
                doneCount.add(1, ordering: .releasing)
            } else if helperCount < helperLimit, let region = regions.last {
                helperCount += 1
                lock.unlock()
                region.participate()
                // The next step of the same network follows soon.
                let seen: Int? = lock.withLock {
                    remove(region)
                    return hasWork ? nil : offerCount.load(ordering: .relaxed)
                }
                if let seen { ShortWait.until { self.offerCount.load(ordering: .relaxed) != seen } }
                // A region that was offered meanwhile has woken nobody in this thread's place: it looks itself.
                lock.withLock { helperCount -= 1 }
            } else if isStopped {
                lock.unlock()
                return false
            } else {
                idleCount += 1
                work.wait()
                idleCount -= 1
                lock.unlock()
            }
            return true
        }

        private var hasWork: Bool { !regions.isEmpty || jobs.contains { !$0.isEmpty } }

        private func remove(_ region: ParallelRegion) { regions.removeAll { $0 === region } }

        private func takeJob() -> (@Sendable () -> Void)? {
            for lane in lastLane == .normal ? [Lane.high, .normal] : [.normal, .high] {
                guard let job = jobs[lane.rawValue].popFirst() else { continue }
                lastLane = lane
                takenCount += 1
                return job
            }
            return nil
        }
    }
}
