import HeapModule

/// What a socket can do without blocking, or what it is watched for.
struct Readiness: OptionSet {
    let rawValue: UInt8

    /// Bytes, the stream's end, a client to accept, or an error can be read.
    static let reading = Readiness(rawValue: 1)
    /// There is room for bytes, or an error to report.
    static let writing = Readiness(rawValue: 2)
    /// The connection is over in both directions. This is reported whatever the socket is watched for.
    static let broken = Readiness(rawValue: 4)
}

/// Is notified about a socket, in the turns of its loop.
protocol SocketWatcher: AnyObject {
    /// The socket is ready for what it is watched for, or is broken. A call may be spurious: there may be nothing to
    /// read.
    func ready(_ readiness: Readiness)

    /// The watch's deadline has passed; the watch has none now.
    func deadlinePassed()
}

/// A socket that an ``EventLoop`` watches for a ``SocketWatcher``. Used in the loop's turns only.
final class SocketWatch {
    let id: Int
    let descriptor: Int32
    let watcher: any SocketWatcher
    private let sockets: WatchedSockets

    /// What the socket is watched for. That it is broken is reported in any case.
    var interest: Readiness {
        didSet { if interest != oldValue { sockets.interestChanged(self) } }
    }

    /// When to call ``SocketWatcher/deadlinePassed()``; nil for never.
    var deadline: ContinuousClock.Instant? {
        didSet { if deadline != oldValue { sockets.deadlineChanged(self) } }
    }

    init(
        id: Int, descriptor: Int32, interest: Readiness, watcher: any SocketWatcher, sockets: WatchedSockets
    ) {
        self.id = id
        self.descriptor = descriptor
        self.interest = interest
        self.watcher = watcher
        self.sockets = sockets
    }

    /// Ends the watch and releases the watcher.
    ///
    /// - Parameter then: called on the loop's thread once the descriptor may be closed, and never before this returns.
    func cancel(then: @escaping @Sendable () -> Void) {
        deadline = nil
        sockets.remove(self, then: then)
    }
}

/// All sockets that one loop watches, with their deadlines, and its delayed work. Used in the loop's turns only.
///
/// This is the one mechanism for deadlines and delays in the HTTP server.
final class WatchedSockets {
    private let poller: any Poller
    private let system: any ServerSystem
    private var watches: [Int: SocketWatch] = [:]
    /// Work that waits for its time, by number. No watch has the same number.
    private var delayed: [Int: () -> Void] = [:]
    private var nextID = 0
    /// Soonest first. A stale deadline, which its watch no longer has, stays until its time comes, or until most are
    /// stale.
    private var deadlines = Heap<Deadline>()

    /// How many stale deadlines may exceed the number of valid ones before they are removed.
    private static let maxStaleDeadlines = 64

    private struct Deadline: Comparable {
        let time: ContinuousClock.Instant
        let id: Int

        static func < (one: Deadline, other: Deadline) -> Bool { one.time < other.time }
    }

    init(poller: any Poller, system: any ServerSystem) {
        self.poller = poller
        self.system = system
    }

    /// Watches a socket from now on.
    ///
    /// - Throws: ``SocketError/system(operation:code:)``
    func add(_ descriptor: Int32, _ interest: Readiness, for watcher: any SocketWatcher) throws(SocketError)
        -> SocketWatch
    {
        let watch = SocketWatch(
            id: makeID(), descriptor: descriptor, interest: interest, watcher: watcher, sockets: self)
        try poller.add(descriptor, id: watch.id, interest)
        watches[watch.id] = watch
        return watch
    }

    private func makeID() -> Int {
        defer { nextID += 1 }
        return nextID
    }

    func remove(_ watch: SocketWatch, then: @escaping @Sendable () -> Void) {
        guard watches.removeValue(forKey: watch.id) != nil else { return }
        poller.remove(watch.descriptor, id: watch.id, then: then)
    }

    func interestChanged(_ watch: SocketWatch) {
        guard watches[watch.id] != nil else { return }
        poller.change(watch.descriptor, id: watch.id, watch.interest)
    }

    /// Notifies the watcher of a socket that is ready.
    func tellReady(_ id: Int, _ readiness: Readiness) {
        // A watch that was removed in the meantime is not found, since numbers are not reused.
        watches[id]?.watcher.ready(readiness)
    }

    func deadlineChanged(_ watch: SocketWatch) {
        guard let time = watch.deadline, watches[watch.id] != nil else { return }
        deadlines.insert(Deadline(time: time, id: watch.id))
        if deadlines.count > 2 * (watches.count + delayed.count) + Self.maxStaleDeadlines {
            deadlines = Heap(deadlines.unordered.filter(isCurrent))
        }
    }

    /// Runs work once this time has passed.
    func schedule(_ work: @escaping () -> Void, at time: ContinuousClock.Instant) {
        let id = makeID()
        delayed[id] = work
        deadlines.insert(Deadline(time: time, id: id))
    }

    /// Whether this deadline is not stale.
    private func isCurrent(_ deadline: Deadline) -> Bool {
        watches[deadline.id]?.deadline == deadline.time || delayed[deadline.id] != nil
    }

    /// How many deadlines are stored, stale ones included.
    var deadlineCount: Int { deadlines.count }

    /// When the next deadline is.
    var earliestDeadline: ContinuousClock.Instant? {
        while let next = deadlines.min, !isCurrent(next) { deadlines.removeMin() }
        return deadlines.min?.time
    }

    /// Notifies the watchers whose deadline has passed, and runs the delayed work that is due.
    func tellDeadlines() {
        guard earliestDeadline != nil else { return }
        let now = system.now
        while let earliest = earliestDeadline, earliest <= now {
            let id = deadlines.removeMin().id
            if let watch = watches[id] {
                watch.deadline = nil
                watch.watcher.deadlinePassed()
            } else {
                delayed.removeValue(forKey: id)?()
            }
        }
    }
}
