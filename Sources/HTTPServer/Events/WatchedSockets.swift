import CLinux
import HeapModule

/// All sockets that one thread watches, and the times at which it has something to do; touched on that thread only.
final class WatchedSockets {
    private let poller: Poller
    private var watches: [Int: SocketWatch] = [:]
    private var nextID = 0
    /// Soonest first. One that a watch no longer has stays until its time comes, or until such are the most.
    private var deadlines = Heap<Deadline>()
    private var events = Array(repeating: epoll_event(), count: Poller.mostEvents)

    /// How many deadlines that nobody has any more are kept beside the others before they are thrown out.
    private static let mostStaleDeadlines = 64

    private struct Deadline: Comparable {
        let time: ContinuousClock.Instant
        let id: Int

        static func < (one: Deadline, other: Deadline) -> Bool { one.time < other.time }
    }

    init(poller: Poller) { self.poller = poller }

    /// Watches a socket from now on.
    ///
    /// - Throws: ``SocketError/system(operation:code:)``
    func add(_ descriptor: Int32, _ interest: Readiness, for watcher: any SocketWatcher) throws(SocketError)
        -> SocketWatch
    {
        let watch = SocketWatch(
            id: nextID, descriptor: descriptor, interest: interest, watcher: watcher, sockets: self)
        try poller.add(descriptor, id: UInt64(watch.id), interest)
        watches[watch.id] = watch
        nextID += 1
        return watch
    }

    func remove(_ watch: SocketWatch) {
        guard watches.removeValue(forKey: watch.id) != nil else { return }
        poller.remove(watch.descriptor)
    }

    func interestChanged(_ watch: SocketWatch) {
        guard watches[watch.id] != nil else { return }
        poller.change(watch.descriptor, id: UInt64(watch.id), watch.interest)
    }

    func deadlineChanged(_ watch: SocketWatch) {
        guard let time = watch.deadline, watches[watch.id] != nil else { return }
        deadlines.insert(Deadline(time: time, id: watch.id))
        if deadlines.count > 2 * watches.count + Self.mostStaleDeadlines {
            deadlines = Heap(deadlines.unordered.filter { watches[$0.id]?.deadline == $0.time })
        }
    }

    /// How many deadlines there are, with those that nobody has any more.
    var deadlineCount: Int { deadlines.count }

    /// When the next watch's deadline is.
    private var earliestDeadline: ContinuousClock.Instant? {
        while let next = deadlines.min, watches[next.id]?.deadline != next.time { deadlines.removeMin() }
        return deadlines.min?.time
    }

    /// Waits for sockets and deadlines.
    ///
    /// - Parameter waits: false only looks.
    /// - Returns: how many of the sockets ``tellReady(_:)`` has to tell of.
    func wait(_ waits: Bool) -> Int {
        let timeout = waits ? earliestDeadline.map { $0 - .now } : .zero
        return poller.wait(timeout, into: &events)
    }

    /// Tells who watches the sockets that the last wait found, and does something after each.
    func tellReady(_ count: Int, _ afterEach: () -> Void) {
        for index in 0..<count {
            let event = events[index]
            // One that was removed since is not told any more: its number is nobody else's.
            guard let watch = watches[Int(truncatingIfNeeded: event.data.u64)] else { continue }
            watch.watcher.ready(Readiness(events: event.events))
            afterEach()
        }
    }

    /// Tells whose deadline has passed.
    func tellDeadlines() {
        guard earliestDeadline != nil else { return }
        let now = ContinuousClock.now
        while let earliest = earliestDeadline, earliest <= now {
            guard let watch = watches[deadlines.removeMin().id] else { continue }
            watch.deadline = nil
            watch.watcher.deadlinePassed()
        }
    }
}
