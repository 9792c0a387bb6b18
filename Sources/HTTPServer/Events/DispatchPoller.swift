import Dispatch
import Foundation
import Synchronization

/// The poller that uses Dispatch sources: a serial queue runs a loop's turns, and handles the events of its sockets, of
/// one timer, and of other threads.
///
/// A source only triggers a check: what a socket is ready for is then asked of poll(2). So a stale event does no harm,
/// and one event can report reading, writing and a broken connection together, as with epoll.
///
/// A suspended source reports nothing. Sockets that nobody reads at the moment are therefore checked at an interval, in
/// case their connection is broken.
final class DispatchPoller: Poller, @unchecked Sendable {  // guard: mutable state is touched on `queue` only
    private let queue: DispatchQueue
    private let timer: any DispatchSourceTimer
    /// The thread that is running work of `queue`, or 0.
    private let thread = Atomic<UInt>(0)
    private var client: (any PollerClient)?
    private var watched: [Int: Watched] = [:]
    /// The sockets whose read source is suspended.
    private var unread: Set<Int> = []
    private var nextLook: ContinuousClock.Instant?
    /// What the timer is set to.
    private var alarm: ContinuousClock.Instant?
    /// Whether a turn is queued.
    private var isTurnQueued = false

    /// How often sockets are checked that nobody reads.
    private static let lookInterval = Duration.milliseconds(100)

    init(name: String) {
        queue = DispatchQueue(label: name)
        timer = DispatchSource.makeTimerSource(queue: queue)
        timer.setEventHandler { [weak self] in self?.timePassed() }
        timer.activate()
    }

    var isCurrent: Bool { thread.load(ordering: .relaxed) == Self.currentThread }

    private static var currentThread: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }

    func start(_ client: any PollerClient) {
        queue.async { [self] in
            self.client = client
            run(turn)
        }
    }

    func wake() {
        queue.async { [self] in run(turn) }
    }

    /// Runs work on the queue as part of the loop, unless the loop has ended.
    private func run(_ work: () -> Void) {
        guard client != nil else { return }
        thread.store(Self.currentThread, ordering: .relaxed)
        work()
        thread.store(0, ordering: .relaxed)
    }

    /// Runs a turn of the loop.
    private func turn() {
        switch client?.turn() ?? .never {
        case .now: queueTurn()
        case .at(let time): setTimer(time)
        case .never: end()
        }
    }

    /// Queues a turn of the loop behind everything that is on the queue already: mostly events of other sockets.
    private func queueTurn() {
        guard !isTurnQueued else { return }
        isTurnQueued = true
        queue.async { [self] in
            isTurnQueued = false
            run(turn)
        }
    }

    private func setTimer(_ deadline: ContinuousClock.Instant?) {
        if unread.isEmpty {
            nextLook = nil
        } else if nextLook == nil {
            nextLook = .now + Self.lookInterval
        }
        let time = [deadline, nextLook].compactMap(\.self).min()
        guard time != alarm else { return }
        alarm = time
        guard let time else { return timer.schedule(deadline: .distantFuture) }
        timer.schedule(deadline: .now() + (time - .now).dispatchInterval, leeway: .milliseconds(1))
    }

    private func timePassed() {
        run {
            alarm = nil
            look()
            turn()
        }
    }

    /// Checks the sockets that nobody reads, if it is time.
    private func look() {
        guard let time = nextLook, time <= .now else { return }
        nextLook = nil
        for id in unread { tell(id) }
    }

    private func end() {
        client = nil
        timer.cancel()
        for watched in watched.values { watched.cancel {} }
        watched = [:]
    }

    // MARK: - Sockets

    func add(_ descriptor: Int32, id: Int, _ interest: Readiness) {
        watched[id] = Watched(descriptor, queue: queue) { [weak self] in self?.fired(id) }
        change(descriptor, id: id, interest)
    }

    func change(_ descriptor: Int32, id: Int, _ interest: Readiness) {
        guard let watched = watched[id] else { return }
        watched.setInterest(interest)
        if interest.contains(.reading) { unread.remove(id) } else { unread.insert(id) }
    }

    func remove(_ descriptor: Int32, id: Int, then: @escaping @Sendable () -> Void) {
        unread.remove(id)
        guard let watched = watched.removeValue(forKey: id) else { return }
        watched.cancel { [self] in
            guard client != nil else { return then() }
            run(then)
            queueTurn()
        }
    }

    /// A source of this socket has fired.
    private func fired(_ id: Int) {
        run { tell(id) }
        queueTurn()
    }

    /// Reports to the client what a socket is ready for.
    private func tell(_ id: Int) {
        guard let watched = watched[id] else { return }
        let readiness = watched.readiness
        guard !readiness.isEmpty else { return }
        client?.ready(id, readiness)
        // On Linux a source reports a broken connection only once.
        if readiness.contains(.broken), self.watched[id] != nil, !watched.isQueued {
            watched.isQueued = true
            queue.async { [self] in
                watched.isQueued = false
                fired(id)
            }
        }
    }

    /// A socket with its two sources.
    private final class Watched: @unchecked Sendable {  // guard: touched on `queue` only
        private let descriptor: Int32
        private let queue: DispatchQueue
        private let fired: @Sendable () -> Void
        private var interest: Readiness = []
        private var reading: Source?
        private var writing: Source?
        /// How many sources the system has not released yet.
        private var sourceCount = 0
        /// Called once the system has released all of them; nil before ``cancel(then:)``.
        private var then: (@Sendable () -> Void)?
        /// Whether another check of the socket is queued.
        var isQueued = false

        /// A source, and whether it is suspended: a suspended source must not be released.
        private struct Source {
            let source: any DispatchSourceProtocol
            var isSuspended = false

            mutating func set(isSuspended: Bool) {
                guard isSuspended != self.isSuspended else { return }
                self.isSuspended = isSuspended
                if isSuspended { source.suspend() } else { source.resume() }
            }
        }

        init(_ descriptor: Int32, queue: DispatchQueue, fired: @escaping @Sendable () -> Void) {
            self.descriptor = descriptor
            self.queue = queue
            self.fired = fired
        }

        /// What the socket is ready for, out of what it is watched for, and whether it is broken.
        var readiness: Readiness { Socket.readiness(descriptor, for: interest) }

        func setInterest(_ interest: Readiness) {
            self.interest = interest
            if interest.contains(.reading), reading == nil {
                reading = start(DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue))
            }
            if interest.contains(.writing), writing == nil {
                writing = start(DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue))
            }
            reading?.set(isSuspended: !interest.contains(.reading))
            writing?.set(isSuspended: !interest.contains(.writing))
        }

        private func start(_ source: any DispatchSourceProtocol) -> Source {
            sourceCount += 1
            source.setEventHandler(handler: fired)
            source.setCancelHandler { [self] in
                sourceCount -= 1
                if sourceCount == 0 { then?() }
            }
            source.activate()
            return Source(source: source)
        }

        /// Cancels both sources. Calls `then` once the system has released the descriptor, never before this returns.
        func cancel(then: @escaping @Sendable () -> Void) {
            self.then = then
            if sourceCount == 0 { return queue.async { then() } }
            for var source in [reading, writing].compactMap(\.self) {
                source.source.cancel()
                // A suspended source would never run its cancel handler.
                source.set(isSuspended: false)
            }
            reading = nil
            writing = nil
        }
    }
}

extension Duration {
    /// This duration for Dispatch: nanoseconds, rounded up, never negative and at most eleven days.
    fileprivate var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return .nanoseconds(0) }
        guard seconds < 1_000_000 else { return .seconds(1_000_000) }
        return .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000) + 1)
    }
}
