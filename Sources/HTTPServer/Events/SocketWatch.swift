import CLinux
import HeapModule

/// A socket that an ``EventLoop`` watches, for somebody; touched on its thread only.
final class SocketWatch {
    let id: Int
    let descriptor: Int32
    let watcher: any SocketWatcher
    private let sockets: WatchedSockets

    /// What the watcher is told of, beside what is broken.
    var interest: Readiness {
        didSet { if interest != oldValue { sockets.interestChanged(self) } }
    }

    /// When the watcher is told that this time has passed.
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

    /// Tells nothing any more and lets the watcher go.
    func cancel() {
        deadline = nil
        sockets.remove(self)
    }
}

/// Who is told of a socket, on the thread of its loop.
protocol SocketWatcher: AnyObject {
    /// The socket can do what was waited for, or is broken.
    func ready(_ readiness: Readiness)

    /// The watch's deadline has passed; it has none now.
    func deadlinePassed()
}

/// What a socket can do without waiting, or what one waits for.
struct Readiness: OptionSet {
    let rawValue: UInt8

    /// Bytes, the stream's end, a client to accept, or an error can be read.
    static let reading = Readiness(rawValue: 1)
    /// There is room for bytes, or an error to be told.
    static let writing = Readiness(rawValue: 2)
    /// The connection is over in both directions. This is told whatever one waits for.
    static let broken = Readiness(rawValue: 4)

    /// For a thread that waits. The kernel tells of what is broken without being asked.
    var events: EPOLL_EVENTS {
        EPOLL_EVENTS(
            (contains(.reading) ? EPOLLIN.rawValue : 0) | (contains(.writing) ? EPOLLOUT.rawValue : 0))
    }
}

extension Readiness {
    /// From the kernel. A broken socket can be read and written: that is how one learns why.
    init(events: UInt32) {
        self = []
        if events & EPOLLIN.rawValue != 0 { insert(.reading) }
        if events & EPOLLOUT.rawValue != 0 { insert(.writing) }
        if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { formUnion([.reading, .writing, .broken]) }
    }
}

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
