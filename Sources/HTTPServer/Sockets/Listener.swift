import Foundation
import Logging

/// Accepts clients, and refuses those beyond the limits.
///
/// No client is left waiting. If a limit of connections is reached, another connection is evicted, or the client gets
/// an error. If the process has no descriptor left, a spare one is closed for a moment to send that error.
final class Listener: @unchecked Sendable {  // guard: all mutable state is touched on `loop` only
    private let descriptor: Int32
    /// The file of a Unix socket, which is removed at the end; nil for others.
    private let socketFile: String?
    private let options: ServerOptions
    private let limits: ConnectionRegistry.Limits
    private let registry: ConnectionRegistry
    private let logger: Logger
    private let makeConnection: MakeConnection
    let loop: EventLoop
    private var system: any ServerSystem { loop.system }
    /// What the loop watches; nil before the start and after the end.
    private var watch: SocketWatch?
    private var isPaused = false
    private var isClosed = false
    private var warnedAt: ContinuousClock.Instant?
    /// A spare descriptor. It is closed if there is none for a client, so that the client can be sent an error.
    private var spare: Int32

    /// Makes a connection from its number, the client, the share of its address, and whether it is refused.
    typealias MakeConnection = @Sendable (Int, Socket.Client, AddressShare?, Bool) -> Connection

    /// The most clients that are accepted in a row before the loop serves connections.
    private static let maxAcceptsInARow = 64
    /// The most connections that are evicted at once if there are no descriptors.
    private static let maxEvictionsInARow = 8
    /// How long accepting pauses if there are no descriptors, unless a connection closes before.
    private static let retryInterval = Duration.milliseconds(100)

    /// The shortest time between two warnings.
    private static let warningInterval = Duration.seconds(10)

    /// A listener over `descriptor`, which it owns from now on.
    init(
        descriptor: Int32, socketFile: String? = nil, options: ServerOptions, limits: ConnectionRegistry.Limits,
        registry: ConnectionRegistry,
        logger: Logger, loop: EventLoop, makeConnection: @escaping MakeConnection
    ) {
        self.descriptor = descriptor
        self.socketFile = socketFile
        self.options = options
        self.limits = limits
        self.registry = registry
        self.logger = logger
        self.loop = loop
        self.makeConnection = makeConnection
        spare = loop.system.openSpare()
    }

    deinit { if spare >= 0 { system.close(spare) } }

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

    /// Stops listening, and returns once the port is free.
    ///
    /// - Parameter takesBacklog: whether clients in the backlog are still accepted, even beyond the limit of
    ///   connections: they believe that they are connected.
    func close(takesBacklog: Bool) async {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in stop(takesBacklog: takesBacklog) { continuation.resume() } }
        }
    }

    /// Stops listening, and aborts all connections, without waiting.
    func abandon() {
        loop.execute { [self] in
            stop(takesBacklog: false) {}
            for connection in registry.connections { connection.abort() }
        }
    }

    /// A connection has closed: there is room again.
    func connectionEnded() {
        loop.execute { [self] in resume() }
    }

    private func stop(takesBacklog: Bool, then: @escaping @Sendable () -> Void) {
        guard !isClosed else { return then() }
        isClosed = true
        if takesBacklog { while acceptOne(isLast: true) {} }
        isPaused = false
        registry.isCrowded.store(false, ordering: .relaxed)
        let close = { @Sendable [descriptor, socketFile, system] in
            system.close(descriptor)
            if let socketFile { UnixSocket.remove(socketFile) }
            then()
        }
        guard let watch else { return close() }
        self.watch = nil
        watch.cancel(then: close)
    }

    /// Accepts the next client.
    ///
    /// - Parameter isLast: whether the client is served even beyond the limits.
    /// - Returns: whether another client may be waiting.
    private func acceptOne(isLast: Bool = false) -> Bool {
        switch system.accept(descriptor) {
        case .success(let client):
            admit(client, isLast: isLast)
            return true
        case .failure(let failure):
            switch failure.code {
            case EAGAIN: return false
            case _ where failure.concernsOneClient: return true
            case EMFILE, ENFILE:
                warn(failure.code)
                return dismissOne() && !isLast
            default:
                warn(failure.code)
                pause()
                return false
            }
        }
    }

    private func admit(_ client: Socket.Client, isLast: Bool) {
        let owner = client.isTrusted(by: options) ? nil : ClientAddress(client.host)?.owner
        let admission = registry.add(owner: owner, limits: isLast ? nil : limits, now: system.now) {
            makeConnection($0, client, $1, $2)
        }
        switch admission {
        case .admitted(let connection, let evicted):
            if let (other, rank) = evicted { other.evict(rank) }
            connection.start()
        case .refused(let connection, let oldest):
            oldest?.abort()
            connection.start()
        }
    }

    /// Evicts connections to free descriptors. If none can be evicted, uses the spare descriptor to send one client an
    /// error.
    ///
    /// - Returns: whether another client may be waiting for that error.
    private func dismissOne() -> Bool {
        for (connection, rank) in registry.takeEvictions(max: Self.maxEvictionsInARow, now: system.now) {
            connection.evict(rank)
        }
        // Their descriptors are free in a moment. The client is still in the backlog then, so the poller reports it
        // again.
        if registry.isMakingRoom { return false }
        guard spare >= 0 else {
            pause()
            return false
        }
        system.close(spare)
        defer { spare = system.openSpare() }
        guard case .success(let client) = system.accept(descriptor) else {
            pause()
            return false
        }
        system.dismiss(client, with: noDescriptor())
        return true
    }

    /// The answer to a client for whom there is no descriptor.
    private func noDescriptor() -> [UInt8] {
        let response = Response.problem(
            .serviceUnavailable, "There are no descriptors left for another connection; try again in a second.",
            headerFields: [.retryAfter: "1"])
        let context = ResponseWriter.Context(
            requestID: system.makeRequestID(), date: HTTPDate.text(system.wallTime), closes: true)
        return ResponseWriter.head(response, context) + response.body
    }

    /// Logs that accepting fails, at most once in ``warningInterval``.
    private func warn(_ code: Int32) {
        let now = system.now
        if let warnedAt, now - warnedAt < Self.warningInterval { return }
        warnedAt = now
        logger.warning(
            "cannot accept connections for the moment; raise the limit of open files or lower max_connections",
            metadata: ["error": "\(SocketError.message(code))"])
    }

    /// Stops accepting until a connection closes, or for ``retryInterval``.
    private func pause() {
        registry.isCrowded.store(true, ordering: .relaxed)
        guard !isPaused, let watch else { return }
        isPaused = true
        watch.interest = []
        watch.deadline = system.now + Self.retryInterval
    }

    private func resume() {
        guard isPaused, let watch else { return }
        isPaused = false
        if spare < 0 { spare = system.openSpare() }
        registry.isCrowded.store(false, ordering: .relaxed)
        watch.interest = .reading
    }
}

extension Listener: SocketWatcher {
    func ready(_ readiness: Readiness) {
        for _ in 0..<Self.maxAcceptsInARow {
            guard acceptOne() else { return }
        }
    }

    func deadlinePassed() { resume() }
}
