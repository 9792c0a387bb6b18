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
