import Glibc
import Logging

/// Takes clients in, as long as there is room for them.
///
/// At the limit of connections it stops accepting until one closes: the clients wait in the kernel's backlog instead of
/// being turned away, and connections at rest give way to them. If the system has no descriptors left it pauses instead of spinning.
final class Listener: @unchecked Sendable {  // guard: all mutable state is touched on `loop` only
    private let descriptor: Int32
    private let options: ServerOptions
    private let registry: ConnectionRegistry
    private let logger: Logger
    private let makeConnection: @Sendable (Int, Int32, String) -> Connection
    private let loop: EventLoop
    /// What the loop watches; nil before the start and behind the end.
    private var watch: SocketWatch?
    private var isPaused = false
    private var isClosed = false
    private var warnedAt: ContinuousClock.Instant?
    private var madeRoomAt: ContinuousClock.Instant?

    /// How many clients are taken in a row before others have their turn.
    private static let maxAcceptsInARow = 64
    /// How long to wait for descriptors to become free, unless a connection closes first.
    private static let retryInterval = Duration.milliseconds(100)

    /// How often the same warning is worth a line.
    private static let warningInterval = Duration.seconds(10)
    /// How often all connections are asked to give way: with a thousand of them that is not for every client.
    private static let roomInterval = Duration.seconds(1)

    /// A listener over `descriptor`, which it owns from now on.
    /// - Parameter makeConnection: makes a connection of its number, its descriptor and the client's address.
    init(
        descriptor: Int32, options: ServerOptions, registry: ConnectionRegistry, logger: Logger, loop: EventLoop,
        makeConnection: @escaping @Sendable (Int, Int32, String) -> Connection
    ) {
        self.descriptor = descriptor
        self.options = options
        self.registry = registry
        self.logger = logger
        self.loop = loop
        self.makeConnection = makeConnection
    }

    /// Begins to accept.
    func start() {
        loop.execute { [self] in
            do throws(SocketError) {
                watch = try loop.watch(descriptor, for: .reading, by: self)
            } catch {
                logger.critical("cannot accept connections", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Takes in who waits already, then stops listening.
    /// - Parameter takesBacklog: whether those who wait are still served, also beyond the limit of connections: they
    ///   believe that they are connected.
    func close(takesBacklog: Bool) async {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                stop(takesBacklog: takesBacklog)
                continuation.resume()
            }
        }
    }

    /// Stops listening, and aborts all connections, without waiting.
    func abandon() {
        loop.execute { [self] in
            stop(takesBacklog: false)
            for connection in registry.connections { connection.abort() }
        }
    }

    /// A connection has closed: there is room again.
    func connectionEnded() {
        loop.execute { [self] in resume() }
    }

    private func stop(takesBacklog: Bool) {
        guard !isClosed else { return }
        isClosed = true
        if takesBacklog { while acceptOne() {} }
        isPaused = false
        registry.isCrowded.store(false, ordering: .relaxed)
        watch?.cancel()
        watch = nil
        Socket.close(descriptor)
    }

    /// - Returns: whether another client may be waiting.
    private func acceptOne() -> Bool {
        switch Socket.accept(descriptor) {
        case .success(let client):
            registry.add { makeConnection($0, client.descriptor, client.host) }.start()
            return true
        case .failure(let failure):
            switch failure.code {
            case EAGAIN: return false
            // These concern one client only (accept(2)).
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET,
                ENOPROTOOPT, EOPNOTSUPP:
                return true
            default:
                warn(failure.code)
                pause()
                watch?.deadline = .now + Self.retryInterval
                return false
            }
        }
    }

    /// Says that something is wrong, but not a thousand times.
    private func warn(_ code: Int32) {
        let now = ContinuousClock.now
        if let warnedAt, now - warnedAt < Self.warningInterval { return }
        warnedAt = now
        logger.warning(
            "cannot accept connections for the moment; raise the limit of open files or lower max_connections",
            metadata: ["error": "\(SocketError.message(code))"])
    }

    /// Stops accepting while somebody waits; answers then close their connections, and those at rest give way.
    private func pause() {
        registry.isCrowded.store(true, ordering: .relaxed)
        guard !isPaused, let watch else { return }
        isPaused = true
        watch.interest = []

        let now = ContinuousClock.now
        if let madeRoomAt, now - madeRoomAt < Self.roomInterval { return }
        madeRoomAt = now
        for connection in registry.connections { connection.giveWay() }
    }

    private func resume() {
        guard isPaused, let watch else { return }
        isPaused = false
        registry.isCrowded.store(false, ordering: .relaxed)
        watch.interest = .reading
    }
}

extension Listener: SocketWatcher {
    func ready(_ readiness: Readiness) {
        for taken in 0..<Self.maxAcceptsInARow {
            if registry.count >= options.maxConnections {
                // Only if the first one finds no room is it certain that somebody waits.
                if taken == 0 { pause() }
                return
            }
            guard acceptOne() else { return }
        }
    }

    func deadlinePassed() { resume() }
}
