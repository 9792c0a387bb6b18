import HTTPTypes

/// One client: reads its requests, has them handled one after another, and writes the answers.
///
/// Everything happens on the thread of its event loop, the handler's own steps included: what takes long it has done elsewhere.
/// While a request is handled or answered no further one is begun, but the socket is still read, up to a bound, so that
/// a client that hangs up is noticed.
/// - Source: RFC 9112 §9
final class Connection: @unchecked Sendable {  // guard: all mutable state is touched on `loop` only
    let number: Int
    let context: ConnectionContext
    let remoteAddress: String
    let descriptor: Int32
    let loop: EventLoop

    // What is being done.
    var clock: ConnectionClock
    var parser: RequestParser
    var received: ReceiveBuffer
    var toSend = SendQueue()
    var exchange: Exchange?
    var task: Task<Void, Never>?
    var lastReadAt: ContinuousClock.Instant
    var isAdvancing = false
    /// Whether there is something to do with what was received that waits for its turn.
    var hasPutOff = false
    var isDraining = false
    var hasAnswered = false
    var clientHasEnded = false
    var lingerBudget = 0

    /// What the loop watches; nil before the start and behind the end.
    var watch: SocketWatch?

    /// How often a connection reads before it lets others have their turn.
    static let maxReadsInARow = 16
    /// How much content it reads at once to where it stays, and then lets them: looking for the parts of a form whose bytes were
    /// chosen to make that slow takes ten to twenty milliseconds. Units: bytes.
    static let mostReadAtOnce = 1 << 20
    /// How many of the parser's events a connection deals with before it lets others have their turn: a request has three, so
    /// this is a millisecond's worth of the cheapest requests, sent all at once.
    static let mostEffort = 64
    /// How much coded content is decoded for one event, since it may grow a thousandfold. Units: bytes.
    static let mostCodedContent = 512
    /// For how many events that counts: half a megabyte takes a few hundred microseconds.
    static let decodingEffort = 8

    /// A connection over `descriptor`, which it owns from now on.
    init(number: Int, descriptor: Int32, remoteAddress: String, loop: EventLoop, context: ConnectionContext) {
        let now = ContinuousClock.now
        self.number = number
        self.context = context
        self.remoteAddress = remoteAddress
        self.descriptor = descriptor
        self.loop = loop
        self.clock = ConnectionClock(idle: context.options.idleTimeout, now: now)
        self.parser = RequestParser(limits: context.options.parserLimits)
        self.received = ReceiveBuffer(maxCapacity: context.options.maxBufferedByteCount)
        self.lastReadAt = now
    }

    /// Begins to read.
    func start() {
        loop.execute { [self] in
            context.observer.connectionOpened()
            // Somebody may have aborted it already.
            guard clock.phase != .closed else { return }
            do throws(SocketError) {
                watch = try loop.watch(descriptor, for: .reading, by: self)
                setDeadline()
            } catch {
                context.logger.warning("a connection is not served", metadata: ["error": "\(error)"])
                close()
            }
        }
    }

    /// Closes at rest after a grace, or behind the answer to the request that has begun.
    func drain() {
        loop.execute { [self] in
            isDraining = true
            if case .idle = clock.phase { enter(.idle(context.options.drainGrace)) }
        }
    }

    /// Makes room for clients that wait to be accepted: closes soon if it is at rest. One that has yet to send its first
    /// request has waited long enough itself.
    func giveWay() {
        loop.execute { [self] in
            if case .idle = clock.phase, hasAnswered { enter(.idle(context.options.drainGrace)) }
        }
    }

    /// Closes now, whatever is going on.
    func abort() {
        loop.execute { [self] in abandon() }
    }

    func enter(_ phase: ConnectionClock.Phase) {
        clock.enter(phase, now: .now)
        setDeadline()
    }

    /// Sets the watch's deadline if it would pass too late. If it passes too early it is set again: that is rarer than a new phase.
    private func setDeadline() {
        guard let watch, let deadline = clock.deadline(context.options) else { return }
        if let earlier = watch.deadline, earlier <= deadline { return }
        watch.deadline = deadline
    }
}

extension Connection: SocketWatcher {
    func ready(_ readiness: Readiness) {
        guard let interest = watch?.interest else { return }
        // Nothing can be read for now that would tell.
        if interest.isEmpty, readiness.contains(.broken) { return abandon() }
        if interest.contains(.writing), readiness.contains(.writing) { flush() }
        if interest.contains(.reading), readiness.contains(.reading), clock.phase != .closed { readable() }
    }

    func deadlinePassed() {
        guard let deadline = clock.deadline(context.options), deadline <= .now else { return setDeadline() }
        switch clock.phase {
        case .idle(let timeout):
            // What was put off has come in time.
            if hasPutOff { return enter(.idle(timeout)) }
            // A request may have arrived at the last moment.
            readable()
            if case .idle = clock.phase, !hasPutOff { close() } else { setDeadline() }
        case .header: refuse(.headerTooSlow(limit: context.options.headerTimeout))
        case .body: refuse(.bodyTooSlow(received: exchange?.reservation?.received ?? 0))
        case .writing: abandon()
        case .lingering: close()
        case .handling, .closed: break
        }
    }
}
