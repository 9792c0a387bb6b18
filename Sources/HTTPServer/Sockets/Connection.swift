import Dispatch
import HTTPTypes

/// One client: reads its requests, has them handled one after another, and writes the answers.
///
/// Everything happens on a serial queue of its own, the handler's own steps included: what takes long it has done elsewhere.
/// While a request is handled or answered no further one is begun, but the socket is still read, up to a bound, so that
/// a client that hangs up is noticed.
/// - Source: RFC 9112 §9
final class Connection: @unchecked Sendable {  // guard: all mutable state is touched on `queue` only
    let number: Int
    let context: ConnectionContext
    let remoteAddress: String
    let descriptor: Int32
    let queue: DispatchQueue
    /// Of handlers.
    let executor: QueueExecutor

    // What is being done.
    var clock: ConnectionClock
    var parser: RequestParser
    var received: ReceiveBuffer
    var toSend = SendQueue()
    var exchange: Exchange?
    var task: Task<Void, Never>?
    var lastReadAt: ContinuousClock.Instant
    var isAdvancing = false
    var isDraining = false
    var hasAnswered = false
    var clientHasEnded = false
    var lingerBudget = 0

    // What Dispatch watches. The descriptor is given back once both of its sources are cancelled.
    var readSource: (any DispatchSourceRead)?
    var writeSource: (any DispatchSourceWrite)?
    var timer: (any DispatchSourceTimer)?
    var timerFires: ContinuousClock.Instant?
    var isReadingPaused = false
    var liveSources = 0

    /// How often a connection reads before it lets others have their turn.
    static let maxReadsInARow = 16

    /// A connection over `descriptor`, which it owns from now on.
    init(number: Int, descriptor: Int32, remoteAddress: String, context: ConnectionContext) {
        let now = ContinuousClock.now
        self.number = number
        self.context = context
        self.remoteAddress = remoteAddress
        self.descriptor = descriptor
        // Not one of its own threads a queue, as serial queues have by default, but a turn on the shared ones.
        self.queue = DispatchQueue(label: "connection", target: .global(qos: .userInitiated))
        self.executor = QueueExecutor(queue)
        self.clock = ConnectionClock(idle: context.options.idleTimeout, now: now)
        self.parser = RequestParser(limits: context.options.parserLimits)
        self.received = ReceiveBuffer(maxCapacity: context.options.maxBufferedByteCount)
        self.lastReadAt = now
    }

    /// Begins to read.
    func start() {
        queue.async { [self] in
            context.observer.connectionOpened()
            let timer = DispatchSource.makeTimerSource(queue: queue)
            timer.setEventHandler { [self] in timerFired() }
            timer.schedule(deadline: .distantFuture)
            timer.activate()
            self.timer = timer

            let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
            source.setEventHandler { [self] in readable() }
            source.setCancelHandler { [self] in sourceCancelled() }
            liveSources += 1
            readSource = source
            source.activate()
            armTimer()
        }
    }

    /// Closes at rest after a grace, or behind the answer to the request that has begun.
    func drain() {
        queue.async { [self] in
            isDraining = true
            if case .idle = clock.phase { enter(.idle(context.options.drainGrace)) }
        }
    }

    /// Makes room for clients that wait to be accepted: closes soon if it is at rest. One that has yet to send its first
    /// request has waited long enough itself.
    func giveWay() {
        queue.async { [self] in
            if case .idle = clock.phase, hasAnswered { enter(.idle(context.options.drainGrace)) }
        }
    }

    /// Closes now, whatever is going on.
    func abort() {
        queue.async { [self] in abandon() }
    }

    func enter(_ phase: ConnectionClock.Phase) {
        clock.enter(phase, now: .now)
        armTimer()
    }

    /// Sets the timer if it would fire too late. If it fires too early it is set again: that is rarer than a new phase.
    private func armTimer() {
        guard let deadline = clock.deadline(context.options) else { return }
        if let timerFires, timerFires <= deadline { return }
        timerFires = deadline
        let interval = ContinuousClock.now.duration(to: deadline).dispatchInterval
        timer?.schedule(deadline: .now() + interval, leeway: .milliseconds(5))
    }

    private func timerFired() {
        timerFires = nil
        guard let deadline = clock.deadline(context.options), deadline <= .now else { return armTimer() }
        switch clock.phase {
        case .idle:
            // A request may have arrived at the last moment.
            readable()
            if case .idle = clock.phase { close() } else { armTimer() }
        case .header: refuse(.headerTooSlow(limit: context.options.headerTimeout))
        case .body: refuse(.bodyTooSlow(received: exchange?.reservation?.received ?? 0))
        case .writing: abandon()
        case .lingering: close()
        case .handling, .closed: break
        }
    }
}
