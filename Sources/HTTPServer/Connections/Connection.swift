import HTTPTypes
import Synchronization

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
    /// What it holds together with others from the same address; nil for a proxy that is trusted with any number of clients.
    let share: AddressShare?
    /// Who gives way first, for all threads to see.
    let standing: Atomic<UInt64>
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
    /// Whether a byte of a request has come.
    var hasBegun = false
    /// Whether there was no place for it: it is told so, and nothing else is done for it.
    let isRefused: Bool
    /// Whether somebody else has its place already.
    var gaveWay = false
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
    ///
    /// - Parameter isRefused: whether it only gets told that there is no place.
    init(
        number: Int, client: Socket.Client, share: AddressShare?, isRefused: Bool = false, loop: EventLoop,
        context: ConnectionContext
    ) {
        let now = ContinuousClock.now
        self.number = number
        self.context = context
        self.remoteAddress = client.host
        self.descriptor = client.descriptor
        self.share = share
        self.isRefused = isRefused
        self.loop = loop
        self.clock = ConnectionClock(idle: context.options.idleTimeout, now: now)
        self.parser = RequestParser(limits: context.options.parserLimits)
        self.received = ReceiveBuffer(maxCapacity: context.options.maxBufferedByteCount)
        self.lastReadAt = now
        self.standing = Atomic(Standing(clock, hasBegun: false).rawValue)
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
                if isRefused { refuse(context.shortage(share)) }
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

    /// Leaves its place to somebody else, if it still does what it did when it was chosen: at rest it closes without a word, in
    /// the middle of a slow request with an answer.
    func giveWay(_ chosen: Standing) {
        loop.execute { [self] in
            guard standing.load(ordering: .relaxed) == chosen.rawValue else { return stay() }
            // What the client has sent in the meantime may change everything.
            if clock.phase != .writing { readable() }
            switch clock.phase {
            case .idle where !hasPutOff, .lingering: close()
            case .header: leaveSlowRequest()
            case .body, .writing:
                guard clock.isBehind(now: .now) else { return stay() }
                leaveSlowRequest()
            case .idle, .handling, .closed: stay()
            }
        }
    }

    /// Ends a request that is too slow to be waited for, at once.
    func leaveSlowRequest() {
        gaveWay = true
        if clock.phase == .writing { return abandon() }
        refuse(.gaveWay)
        // Nobody waits for it to read that.
        if clock.phase == .writing { abandon() }
    }

    /// Leaves the memory of its body to others, if it still does what it did when it was chosen and has some that is worth it.
    ///
    /// - Returns: whether it did.
    @discardableResult
    func giveMemoryUp(_ chosen: Standing) -> Bool {
        guard standing.load(ordering: .relaxed) == chosen.rawValue, clock.phase == .body,
            let reservation = exchange?.reservation, reservation.byteCount >= ReceiveBuffer.initialCapacity
        else { return false }
        leaveSlowRequest()
        return true
    }

    private func stay() {
        if clock.phase != .closed { context.registry.stays(number) }
    }

    /// Closes now, whatever is going on.
    func abort() {
        loop.execute { [self] in abandon() }
    }

    func enter(_ phase: ConnectionClock.Phase) {
        clock.enter(phase, now: .now)
        if clock.phase == .header { hasBegun = true }
        standing.store(Standing(clock, hasBegun: hasBegun).rawValue, ordering: .relaxed)
        setDeadline()
    }

    /// Takes note of bytes that went by.
    func progress(_ byteCount: Int, now: ContinuousClock.Instant) {
        clock.progress(byteCount, now: now)
        standing.store(Standing(clock, hasBegun: hasBegun).rawValue, ordering: .relaxed)
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
        case .body: refuse(bodyTooSlow)
        case .writing: abandon()
        case .lingering: close()
        case .handling, .closed: break
        }
    }

    /// Which of a body's times is over.
    private var bodyTooSlow: RequestError {
        let received = exchange?.sink?.content.count ?? clock.byteCount
        let (timeout, rate) = (context.options.bodyTimeout, context.options.minBytesPerSecond)
        return clock.hasPaused(timeout, now: .now)
            ? .bodyPaused(received: received, limit: timeout) : .bodyTooSlow(received: received, least: rate)
    }
}
