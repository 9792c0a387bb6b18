import Host
import Logging
import Synchronization

/// An HTTP/1.1 server on a TCP or Unix socket.
///
/// - Source: RFC 9110, RFC 9112
public final class SocketServer: Sendable {
    private let options: ServerOptions
    private let router: Router
    private let observer: any ServerObserver
    private let system: any ServerSystem
    private let logger: Logger
    let registry = ConnectionRegistry()
    private let state = Mutex(State.new)

    private enum State {
        case new
        /// A call of `start()` is under way.
        case starting
        case listening(Listener)

        var listener: Listener? { if case .listening(let listener) = self { listener } else { nil } }
    }

    /// A server that does not listen yet.
    public convenience init(options: ServerOptions, router: Router, observer: any ServerObserver, logger: Logger) {
        self.init(
            options: options, router: router, observer: observer, logger: logger,
            system: OperatingSystem(poller: options.poller))
    }

    /// A server that runs on this system.
    init(
        options: ServerOptions, router: Router, observer: any ServerObserver, logger: Logger, system: any ServerSystem
    ) {
        self.system = system
        self.options = options
        self.router = router
        self.observer = observer
        self.logger = logger
    }

    deinit { state.withLock { $0.listener }?.abandon() }

    /// Listens, and serves from now on.
    /// - Returns: the address it listens on, with the port that was taken if port 0 was asked for.
    /// - Throws: ``SocketError`` if it cannot listen there.
    @discardableResult
    public func start() throws(SocketError) -> SocketAddress {
        // Of two calls, the second fails before it opens anything.
        let isFirst = state.withLock { state in
            guard case .new = state else { return false }
            state = .starting
            return true
        }
        guard isFirst else { throw .alreadyStarted }
        do throws(SocketError) {
            let (listener, address) = try listen()
            state.withLock { $0 = .listening(listener) }
            listener.start()
            return address
        } catch {
            state.withLock { $0 = .new }
            throw error
        }
    }

    private func listen() throws(SocketError) -> (Listener, SocketAddress) {
        let (descriptor, address) = try system.listen(options)
        let socketFile = options.listeningDescriptor == nil ? UnixSocket.path(in: address.host) : nil
        let loops: [EventLoop]
        do throws(SocketError) {
            loops = try makeLoops()
        } catch {
            system.close(descriptor)
            if let socketFile { UnixSocket.remove(socketFile) }
            throw error
        }
        let limits = ConnectionRegistry.Limits(
            total: min(options.maxConnections, DescriptorLimit.current?.connectionCapacity ?? .max),
            perAddress: options.connectionsPerAddress)
        if limits.total < options.maxConnections {
            logger.warning(
                "fewer connections than server.max_connections can be open; raise the limit of open files",
                metadata: ["connections": .stringConvertible(limits.total)])
        }
        let context = ConnectionContext(
            options: options, router: router, observer: observer, logger: logger, registry: registry,
            bodyBudget: BodyBudget(limit: options.maxBufferedBytes, addressLimit: options.bufferedBytesPerAddress),
            bodyPool: BodyPool(limit: options.keptBodyBytes), date: HTTPDate(), connectionLimits: limits,
            ended: { [registry, weak self] number in
                let placeCount = registry.remove(number)
                if placeCount < limits.total { registry.isCrowded.store(false, ordering: .relaxed) }
                self?.state.withLock { $0.listener }?.connectionEnded()
            })
        let listener = Listener(
            descriptor: descriptor, socketFile: socketFile, options: options, limits: limits, registry: registry,
            logger: logger,
            loop: loops[0]
        ) { number, client, share, isRefused in
            Connection(
                number: number, client: client, share: share, isRefused: isRefused, loop: loops[number % loops.count],
                context: context)
        }
        return (listener, address)
    }

    private func makeLoops() throws(SocketError) -> [EventLoop] {
        var loops: [EventLoop] = []
        for index in 0..<max(1, options.eventLoopCount) {
            loops.append(try EventLoop(name: "http-\(index)", system: system))
        }
        return loops
    }

    /// Checks that a server could listen on an address: listens, and stops at once.
    ///
    /// - Throws: ``SocketError`` if a server could not listen there.
    public static func tryListening(host: String, port: Int) throws(SocketError) -> SocketAddress {
        let (descriptor, address) = try Socket.listen(host: host, port: port, backlog: 1)
        Socket.close(descriptor)
        if let path = UnixSocket.path(in: host) { UnixSocket.remove(path) }
        return address
    }

    /// Stops listening, answers every request whose first byte has arrived, and closes all connections.
    ///
    /// Clients in the backlog are still accepted. Responses say `Connection: close`. Idle connections close after
    /// ``ServerOptions/drainGrace``.
    /// - Returns: true once all connections are closed; false if `timeout` passed and the rest were aborted.
    public func drain(timeout: Duration) async -> Bool {
        guard let listener = state.withLock({ $0.listener }) else { return true }
        await listener.close(takesBacklog: true)
        for connection in registry.connections { connection.drain() }
        if await registry.waitUntilEmpty(timeout: timeout, on: listener.loop) { return true }
        for connection in registry.connections { connection.abort() }
        // They close at once, each on its loop. The wait is bounded in case one does not.
        _ = await registry.waitUntilEmpty(timeout: .seconds(5), on: listener.loop)
        return false
    }

    /// How many connections are open.
    public var connectionCount: Int { registry.count }
}

/// Is notified of connections and requests. Metrics and the access log are built on it.
///
/// It is called on the threads of the event loops, from several at once. It must be quick and must not block.
public protocol ServerObserver: Sendable {
    /// A client has been accepted.
    func connectionOpened()
    /// A connection's descriptor has been closed.
    func connectionClosed()
    /// A request has been answered, refused or abandoned.
    func requestCompleted(_ record: RequestRecord)
}
