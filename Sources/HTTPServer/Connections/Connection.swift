import HTTPTypes
import Logging
import Synchronization

/// One client: reads its requests, has them handled one after another, and writes the answers.
///
/// ``ConnectionState`` decides what happens next; this class does the I/O. Everything runs on the thread of the
/// connection's event loop, the handler included: a handler must hand long work to other threads. Requests are handled
/// one at a time. Meanwhile the socket is still read, up to a bound, so that the server notices when the client hangs
/// up.
/// - Source: RFC 9112 §9
final class Connection: @unchecked Sendable {  // guard: all mutable state is touched on `loop` only
    let number: Int
    let context: ConnectionContext
    /// The client's address, without its port.
    let remoteAddress: String
    /// Whether the other side is a trusted proxy, whose clients' addresses are in its requests.
    let isProxy: Bool
    /// The resources that all connections from this address hold together; nil for a trusted proxy, which has no limit.
    let share: AddressShare?
    /// This connection's place in the order of eviction (``EvictionRank``). Atomic, since other threads read it.
    let evictionRank: Atomic<UInt64>
    let descriptor: Int32
    let loop: EventLoop
    var system: any ServerSystem { loop.system }
    /// Whether the limit of connections is reached, so that the client only gets an error.
    let isRefused: Bool

    var state: ConnectionState
    var parser: RequestParser
    var received: ReceiveBuffer
    var toSend = SendQueue()
    /// The request that is under way.
    var exchange: Exchange?
    /// Runs the handler.
    var task: Task<Void, Never>?
    var lastReadAt: ContinuousClock.Instant

    /// What the loop watches; nil before the start and after the end.
    var watch: SocketWatch?

    /// The most reads in a row before the connection yields to others.
    static let maxReadsInARow = 16

    /// A connection over `descriptor`, which it owns from now on.
    ///
    /// - Parameter isRefused: whether the limit of connections is reached, so that the client only gets an error.
    init(
        number: Int, client: Socket.Client, share: AddressShare?, isRefused: Bool = false, loop: EventLoop,
        context: ConnectionContext
    ) {
        let now = loop.system.now
        self.number = number
        self.context = context
        self.remoteAddress = client.host
        self.isProxy = client.isTrusted(by: context.options)
        self.descriptor = client.descriptor
        self.share = share
        self.isRefused = isRefused
        self.loop = loop
        self.state = ConnectionState(idle: context.options.idleTimeout, now: now)
        self.parser = RequestParser(limits: context.options.parserLimits)
        self.received = ReceiveBuffer(maxCapacity: context.options.maxBufferedByteCount)
        self.lastReadAt = now
        self.evictionRank = Atomic(EvictionRank(state.clock, hasBegun: false).rawValue)
    }

    /// Begins to read.
    func start() {
        loop.execute { [self] in
            context.observer.connectionOpened()
            // It may have been aborted already.
            guard state.phase != .closed else { return }
            do throws(SocketError) {
                watch = try loop.watch(descriptor, for: .reading, by: self)
                setDeadline()
                if isRefused { refuse(context.shortage(share)) }
            } catch {
                context.logger.warning("a connection is not served", metadata: ["error": "\(error)"])
                on(.broken)
            }
        }
    }

    /// Shuts down gracefully: an idle connection closes after a grace period, a busy one after the answer.
    func drain() {
        loop.execute { [self] in on(.drain) }
    }

    /// Evicts this connection, unless its rank has changed since it was chosen. An idle connection closes without an
    /// answer; a slow request is answered with an error.
    func evict(_ chosen: EvictionRank) {
        loop.execute { [self] in
            guard evictionRank.load(ordering: .relaxed) == chosen.rawValue else { return perform(.keep) }
            // Bytes that have arrived in the meantime may make the connection busy, so it reads first.
            if state.phase != .writing { on(.readable) }
            on(.evict)
        }
    }

    /// Ends a slow upload to free its memory, unless the connection's rank has changed since it was chosen, or the
    /// upload holds little.
    ///
    /// - Returns: whether the upload was ended.
    @discardableResult
    func reclaimMemory(_ chosen: EvictionRank) -> Bool {
        guard evictionRank.load(ordering: .relaxed) == chosen.rawValue, state.phase == .body,
            let reservation = exchange?.reservation, reservation.byteCount >= ReceiveBuffer.initialCapacity
        else { return false }
        on(.reclaimMemory)
        return true
    }

    /// Closes now, whatever is going on.
    func abort() {
        loop.execute { [self] in on(.broken) }
    }

    /// Reports an event to the state machine, and performs the action that it returns.
    func on(_ event: ConnectionState.Event) {
        let revision = state.revision
        let action = state.on(event, context.options, now: system.now)
        if state.revision != revision, state.phase != .closed {
            evictionRank.store(EvictionRank(state.clock, hasBegun: state.hasBegun).rawValue, ordering: .relaxed)
            setDeadline()
        }
        perform(action)
    }

    private func perform(_ action: ConnectionState.Action) {
        switch action {
        case .none: break
        case .read: receive()
        case .discard: discard()
        case .parse: advance()
        case .stopReading: pauseReading()
        case .handle: handle()
        case .write: flush()
        case .awaitWritable: watch?.interest.insert(.writing)
        case .readNext: resumeReading()
        case .linger: linger()
        case .yield:
            pauseReading()
            loop.execute { [self] in on(.turnCame) }
        case .resume:
            resumeReading()
            advance()
        case .refuse(let slowness): refuse(error(slowness), then: slowness == .evicted ? .close : nil)
        case .keep: if state.phase != .closed { context.registry.evictionDeclined(number) }
        case .checkDeadline: setDeadline()
        case .close: close()
        }
    }

    /// Sends as much as the kernel takes.
    func flush() {
        let (byteCount, stop) = toSend.flush(to: descriptor, of: system)
        exchange?.bytesOut += byteCount
        switch stop {
        case nil:
            watch?.interest.remove(.writing)
            if state.phase == .writing, let exchange = exchange.take() { complete(exchange, isComplete: true) }
            on(.written)
        case .wouldBlock:
            if byteCount > 0 { on(.sent(byteCount)) }
            on(.blocked)
        default: on(.broken)
        }
    }

    private func complete(_ exchange: Exchange, isComplete: Bool) {
        context.observer.requestCompleted(
            exchange.record(
                remoteAddress: exchange.clientAddress ?? remoteAddress, isComplete: isComplete, now: system.now))
    }

    /// Ends this side's stream, and discards what the client still sends until it has read the answer and closes. To
    /// close with unread input would reset the connection, and might destroy the answer on its way (RFC 9112 §9.6).
    private func linger() {
        system.endWriting(descriptor)
        received.consume(received.count)
        received.releaseIfEmpty()
        resumeReading()
        discard()
    }

    private func discard() {
        for _ in 0..<Self.maxReadsInARow {
            guard let room = received.room() else { return on(.broken) }
            switch system.read(descriptor, into: room) {
            case .bytes(let count):
                on(.received(count))
                if state.phase == .closed { return }
            case .wouldBlock: return
            case .end: return on(.inputEnded)
            case .failed: return on(.broken)
            }
        }
    }

    /// Closes the socket. If a request is in progress, the observer learns that it was not answered completely.
    private func close() {
        if let exchange = exchange.take(), exchange.head != nil || exchange.status != nil {
            complete(exchange, isComplete: false)
        }
        task?.cancel()
        task = nil
        let end = { @Sendable [self] in
            system.close(descriptor)
            context.observer.connectionClosed()
            context.ended(number)
        }
        // Deferred in either case: callers further up the stack may still use the descriptor.
        guard let watch = watch.take() else { return loop.execute(end) }
        watch.cancel(then: end)
    }

    func pauseReading() { watch?.interest.remove(.reading) }

    private func resumeReading() {
        if !state.input.hasEnded { watch?.interest.insert(.reading) }
    }

    /// Brings the watch's deadline forward if it is too late. A deadline that is too early is corrected when it passes:
    /// that happens less often than a change of phase.
    private func setDeadline() {
        guard let watch, let deadline = state.clock.deadline(context.options) else { return }
        if let earlier = watch.deadline, earlier <= deadline { return }
        watch.deadline = deadline
    }

    private func error(_ slowness: ConnectionState.Slowness) -> RequestError {
        let byteCount = exchange?.sink?.content.count ?? state.clock.byteCount
        let options = context.options
        return switch slowness {
        case .header: .headerTooSlow(limit: options.headerTimeout)
        case .bodyPaused: .bodyPaused(received: byteCount, limit: options.bodyTimeout)
        case .bodyRate: .bodyTooSlow(received: byteCount, least: options.minBytesPerSecond)
        case .evicted: .evicted
        }
    }
}

extension Connection: SocketWatcher {
    func ready(_ readiness: Readiness) {
        guard let interest = watch?.interest else { return }
        // No read or write is pending that would report the failure.
        if interest.isEmpty, readiness.contains(.broken) { return on(.broken) }
        if interest.contains(.writing), readiness.contains(.writing) {
            flush()
            if state.isIdle { advance() }
        }
        if interest.contains(.reading), readiness.contains(.reading) { on(.readable) }
    }

    func deadlinePassed() {
        // A request may have arrived at the last moment.
        if state.isIdle, state.isOverdue(context.options, now: system.now) { on(.readable) }
        on(.deadline)
    }
}

/// What all connections of a server share.
struct ConnectionContext: Sendable {
    let options: ServerOptions
    let router: Router
    let observer: any ServerObserver
    let logger: Logger
    let registry: ConnectionRegistry
    let bodyBudget: BodyBudget
    let bodyPool: BodyPool
    let date: HTTPDate
    /// How many connections there may be.
    let connectionLimits: ConnectionRegistry.Limits
    /// Called when a connection is over and its descriptor is closed.
    let ended: @Sendable (Int) -> Void

    /// The error for a client that is refused because there are too many connections.
    ///
    /// - Parameter share: the share of its address, if that is exhausted.
    func shortage(_ share: AddressShare?) -> RequestError {
        let limits = connectionLimits
        return .tooManyConnections(limit: share == nil ? limits.total : limits.perAddress, isShare: share != nil)
    }
}
