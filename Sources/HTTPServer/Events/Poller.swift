/// The mechanism that reports ready sockets to the server: the setting `server.poller`.
public enum PollerKind: String, CaseIterable, Sendable {
    /// epoll on Linux, where it takes half the CPU time of Dispatch, and Dispatch elsewhere.
    case auto
    /// Dispatch sources, on a serial queue for each event loop. They work on every platform that Swift runs on.
    case dispatch
    /// epoll(7), on a thread for each event loop. It exists on Linux only.
    case epoll

    /// Whether this system has the mechanism.
    public var isAvailable: Bool {
        #if os(Linux)
            true
        #else
            self != .epoll
        #endif
    }

    /// Makes the poller of one event loop.
    ///
    /// - Throws: ``SocketError/pollerUnavailable(_:)`` if the system does not have the mechanism, and
    ///   ``SocketError/system(operation:code:)`` if no descriptor is left.
    func makePoller(name: String) throws(SocketError) -> any Poller {
        #if os(Linux)
            return self == .dispatch ? DispatchPoller(name: name) : try EpollPoller(name: name)
        #else
            guard isAvailable else { throw .pollerUnavailable(self) }
            return DispatchPoller(name: name)
        #endif
    }
}

/// Learns from the system which sockets are ready, and runs the turns (iterations) of an event loop.
///
/// Readiness is level-triggered: a socket is reported again and again as long as it is ready for what it is watched
/// for. A broken socket is reported whatever it is watched for. ``add(_:id:_:)``, ``change(_:id:_:)`` and
/// ``remove(_:id:then:)`` are called in the loop's turns only.
protocol Poller: AnyObject, Sendable {
    /// Whether the caller runs in a turn of the loop.
    var isCurrent: Bool { get }

    /// Begins to run turns, the first one at once. The poller holds the client until a turn returns ``NextTurn/never``.
    func start(_ client: any PollerClient)

    /// Runs a turn of the loop soon, even if no socket is ready and no deadline has passed. Callable from any thread.
    func wake()

    /// Watches a socket from now on, under a number that no other socket has.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` if the system cannot watch more sockets.
    func add(_ descriptor: Int32, id: Int, _ interest: Readiness) throws(SocketError)

    /// Changes what a socket is watched for.
    func change(_ descriptor: Int32, id: Int, _ interest: Readiness)

    /// Stops watching a socket. Calls `then` on the loop's thread once the system has released the descriptor; it must
    /// not be closed before. `then` never runs before this returns, and a turn of the loop follows it.
    func remove(_ descriptor: Int32, id: Int, then: @escaping @Sendable () -> Void)
}

/// An event loop, as its poller sees it. Calls never overlap.
protocol PollerClient: AnyObject, Sendable {
    /// A socket is ready. If it was removed just before, the client no longer knows its number.
    func ready(_ id: Int, _ readiness: Readiness)

    /// Runs what is due. It is called after all ready sockets have been reported.
    func turn() -> NextTurn
}

/// When an event loop wants its next turn, if neither a ready socket nor ``Poller/wake()`` causes one before.
enum NextTurn: Equatable {
    /// As soon as the sockets that are ready now have been reported.
    case now
    /// At this time; nil if there is no deadline.
    case at(ContinuousClock.Instant?)
    /// The loop has ended.
    case never
}
