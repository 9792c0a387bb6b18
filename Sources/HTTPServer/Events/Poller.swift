/// Which mechanism tells the server that sockets are ready: `server.poller`.
public enum PollerKind: String, CaseIterable, Sendable {
    /// The faster one that the system has: epoll on Linux, which takes half the CPU time, and Dispatch elsewhere.
    case auto
    /// Dispatch sources, on a serial queue for each event loop. They work on every platform that Swift runs on.
    case dispatch
    /// epoll(7), on a thread for each event loop. Linux has it and nothing else.
    case epoll

    /// Whether this system has it.
    public var isAvailable: Bool {
        #if os(Linux)
            true
        #else
            self != .epoll
        #endif
    }

    /// Makes the poller of one event loop.
    ///
    /// - Throws: ``SocketError/pollerUnavailable(_:)`` where the system does not have it, and
    ///   ``SocketError/system(operation:code:)`` where no descriptor is left.
    func makePoller(name: String) throws(SocketError) -> any Poller {
        #if os(Linux)
            return self == .dispatch ? DispatchPoller(name: name) : try EpollPoller(name: name)
        #else
            guard isAvailable else { throw .pollerUnavailable(self) }
            return DispatchPoller(name: name)
        #endif
    }
}

/// Learns from the system which sockets are ready, and gives an event loop its turns.
///
/// Readiness is level-triggered: the client is told again and again for as long as a socket is ready for what it is
/// watched for. It is told of a broken socket whatever that is watched for. ``add(_:id:_:)``, ``change(_:id:_:)`` and
/// ``remove(_:id:then:)`` are called in the loop's turns only.
protocol Poller: AnyObject, Sendable {
    /// Whether the caller runs in a turn of the loop.
    var isCurrent: Bool { get }

    /// Begins to give turns, the first one at once. The poller holds the client until a turn answers
    /// ``NextTurn/never``.
    func start(_ client: any PollerClient)

    /// Gives the loop a turn soon, though no socket is ready and no deadline has come. From any thread.
    func wake()

    /// Watches a socket from now on, under a number that no other one has.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` where the system watches no more sockets.
    func add(_ descriptor: Int32, id: Int, _ interest: Readiness) throws(SocketError)

    /// Watches a socket for something else.
    func change(_ descriptor: Int32, id: Int, _ interest: Readiness)

    /// Stops watching a socket, and does something on the loop's thread once the system has let go of the descriptor.
    /// It may be closed then and not before. That is never before this returns, and the loop has a turn behind it.
    func remove(_ descriptor: Int32, id: Int, then: @escaping @Sendable () -> Void)
}

/// An event loop, as its poller sees it. Calls never overlap.
protocol PollerClient: AnyObject, Sendable {
    /// A socket is ready. Its number is unknown to the client if it was removed just before.
    func ready(_ id: Int, _ readiness: Readiness)

    /// Does what is due. It comes after everything that the client was told.
    func turn() -> NextTurn
}

/// When an event loop wants its next turn, beside those that ready sockets and ``Poller/wake()`` bring about.
enum NextTurn: Equatable {
    /// As soon as those sockets have been told of that are ready now.
    case now
    /// At this time; nil for none.
    case at(ContinuousClock.Instant?)
    /// The loop has ended.
    case never
}
