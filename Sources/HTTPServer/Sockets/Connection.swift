import Dispatch
import HTTPTypes

/// One client: reads its requests, has them handled one after another, and writes the answers.
///
/// Everything happens on a serial queue of its own; only handlers run elsewhere, and their answers come back to the queue.
/// While a request is handled or answered no further one is begun, but the socket is still read, up to a bound, so that
/// a client that hangs up is noticed.
/// - Source: RFC 9112 §9
final class Connection: @unchecked Sendable {  // guard: all mutable state is touched on `queue` only
    let number: Int
    let context: ConnectionContext
    let remoteAddress: String
    private let descriptor: Int32
    private let queue: DispatchQueue

    // What is being done.
    private var clock: ConnectionClock
    private var parser: RequestParser
    private var received: ReceiveBuffer
    private var toSend = SendQueue()
    private var exchange: Exchange?
    private var task: Task<Void, Never>?
    private var lastReadAt: ContinuousClock.Instant
    private var isAdvancing = false
    private var isDraining = false
    private var clientHasEnded = false
    private var lingerBudget = 0

    // What Dispatch watches. The descriptor is given back once both of its sources are cancelled.
    private var readSource: (any DispatchSourceRead)?
    private var writeSource: (any DispatchSourceWrite)?
    private var timer: (any DispatchSourceTimer)?
    private var timerFires: ContinuousClock.Instant?
    private var isReadingPaused = false
    private var liveSources = 0

    /// How often a connection reads before it lets others have their turn.
    private static let maxReadsInARow = 16

    /// A connection over `descriptor`, which it owns from now on.
    init(number: Int, descriptor: Int32, remoteAddress: String, context: ConnectionContext) {
        let now = ContinuousClock.now
        self.number = number
        self.context = context
        self.remoteAddress = remoteAddress
        self.descriptor = descriptor
        // Not one of its own threads a queue, as serial queues have by default, but a turn on the shared ones.
        self.queue = DispatchQueue(label: "connection", target: .global(qos: .userInitiated))
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

    /// Closes now, whatever is going on.
    func abort() {
        queue.async { [self] in abandon() }
    }

    // MARK: Reading

    private func readable() {
        if case .lingering = clock.phase { return discardInput() }
        for _ in 0..<Self.maxReadsInARow {
            guard clock.phase != .closed, !clientHasEnded else { return }
            guard let room = received.room() else { return pauseReading() }
            switch Socket.read(descriptor, into: room) {
            case .bytes(let count):
                received.append(count)
                lastReadAt = .now
                if clock.phase == .body { clock.progress(count, now: lastReadAt) }
                advance()
                if case .lingering = clock.phase { return }
                if count < room.count { return }
            case .wouldBlock: return
            case .end: return clientEnded()
            case .failed: return abandon()
            }
        }
    }

    /// Reads events out of the received bytes as long as there is something to do.
    private func advance() {
        // Answering may lead back here; the loop that is already running then goes on.
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while readsRequests {
            if received.count == 0, case .idle = clock.phase { return received.releaseIfEmpty() }
            do throws(RequestError) {
                guard try step() else { return }
            } catch {
                refuse(error)
            }
        }
    }

    private var readsRequests: Bool {
        switch clock.phase {
        case .idle, .header, .body: true
        case .handling, .writing, .lingering, .closed: false
        }
    }

    /// Takes one event of the parser.
    /// - Returns: whether there may be another one.
    private func step() throws(RequestError) -> Bool {
        let bytes = received.unread
        let (event, consumed) = try parser.next(bytes)
        if exchange == nil && !parser.isBetweenRequests { begin() }
        exchange?.bytesIn += consumed
        switch event {
        case .needMore:
            received.consume(consumed)
            return consumed > 0 && received.count > 0
        case .head(let head):
            received.consume(consumed)
            try take(head)
        case .body(let range):
            // The sink leaves the exchange while it grows, so that its array has one owner and is not copied.
            if var sink = exchange?.sink {
                exchange?.sink = .discard
                try sink.append(bytes.slice(range))
                exchange?.sink = sink
            }
            received.consume(consumed)
        case .end:
            received.consume(consumed)
            try handle()
        }
        return true
    }

    private func begin() {
        exchange = Exchange(startedAt: lastReadAt)
        enter(.header)
    }

    /// Decides from the head alone whether and by whom the request is answered.
    private func take(_ head: RequestHead) throws(RequestError) {
        exchange?.head = head
        if let id = RequestID.sane(head.requestID) { exchange?.id = id }

        // Whatever can be refused is refused before the client is asked for the body (RFC 9110 §10.1.1).
        if head.target.isAsterisk {
            let allow = Self.allow(context.router.allowedMethods)
            return answerEarly(Response(status: .noContent, headerFields: [.allow: allow]), head)
        }
        switch context.router.match(head.line.method, head.target.path) {
        case .notFound:
            let detail = "There is no '\(Excerpt.of(head.target.path))' here; check the path."
            return answerEarly(.problem(.notFound, detail), head)
        case .methodNotAllowed(let methods):
            let allow = Self.allow(methods)
            let detail =
                "\(head.line.method.rawValue) is not served at '\(Excerpt.of(head.target.path))'; use \(allow)."
            return answerEarly(.problem(.methodNotAllowed, detail, headerFields: [.allow: allow]), head)
        case .found(let route, let parameters):
            exchange?.route = route
            exchange?.pathParameters = parameters
        }
        if case .fixed(let count) = head.framing, count > context.options.maxBodyBytes {
            throw .bodyTooLong(limit: context.options.maxBodyBytes)
        }

        guard head.framing != .none, head.framing != .fixed(0) else { return }
        let readsBody = exchange?.route?.readsBody ?? false
        if readsBody { exchange?.sink = try BodySink(head, limits: context.options.multipartLimits) }
        // If some of the body is here already, the client did not wait (RFC 9110 §10.1.1).
        if head.expectsContinue && received.count == 0 {
            guard readsBody else {
                // Nobody wants the body, so it is not asked for; whether it comes all the same is unknown, so the
                // connection cannot be used again.
                exchange?.mustClose = true
                return try handle()
            }
            toSend.append(ResponseWriter.continueBytes)
            flush()
        }
        if readsRequests { enter(.body) }
    }

    /// Answers without a handler: behind the request if it has no body, else at once.
    private func answerEarly(_ response: Response, _ head: RequestHead) {
        if head.framing == .none || head.framing == .fixed(0) {
            exchange?.earlyResponse = response
        } else {
            exchange?.mustClose = true
            respond(response)
        }
    }

    private static func allow(_ methods: [HTTPRequest.Method]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }

    /// Answers bytes that are no request; what follows them cannot be told apart from them, so the connection ends.
    private func refuse(_ error: RequestError) {
        if exchange == nil { begin() }
        if exchange?.head == nil {
            exchange?.line = parser.requestLine
            exchange?.bytesIn += received.count
        }
        exchange?.mustClose = true
        respond(.problem(error))
    }

    // MARK: Handling

    private func handle() throws(RequestError) {
        if let response = exchange?.earlyResponse { return respond(response) }
        guard let exchange, let head = exchange.head, let route = exchange.route else { return }
        self.exchange?.sink = .discard
        let request = Request(
            id: exchange.id, method: head.line.method, target: head.line.target, path: head.target.path,
            pathParameters: exchange.pathParameters, query: head.target.query, headerFields: head.headerFields,
            body: try exchange.sink.finish(), remoteAddress: remoteAddress, startedAt: exchange.startedAt)
        enter(.handling)
        task = Task { [self] in
            let response = await route.handler(request)
            queue.async { [self] in
                task = nil
                // A client that has hung up in the meantime gets nothing.
                if clock.phase == .handling { respond(response) }
            }
        }
    }

    // MARK: Answering

    private func respond(_ response: Response) {
        guard let exchange else { return abandon() }
        let isCrowded = context.registry.isCrowded.load(ordering: .relaxed)
        let keepsAlive = exchange.head?.keepsAlive ?? false
        let closes = exchange.mustClose || !keepsAlive || isDraining || isCrowded
        let answer = ResponseWriter.Context(
            requestID: exchange.id, date: context.date.now(),
            isHead: (exchange.head?.line ?? exchange.line)?.method == .head, closes: closes,
            tellsKeepAlive: exchange.head?.line.version == .http10)
        self.exchange?.mustClose = closes
        self.exchange?.status = response.status
        self.exchange?.annotations = response.annotations

        toSend.append(ResponseWriter.head(response, answer))
        if ResponseWriter.sendsBody(response, answer) { toSend.append(response.body) }
        enter(.writing)
        flush()
    }

    private func flush() {
        let (byteCount, stop) = toSend.flush(to: descriptor)
        exchange?.bytesOut += byteCount
        if byteCount > 0, clock.phase == .writing { clock.progress(byteCount, now: .now) }
        switch stop {
        case nil:
            cancelWriteSource()
            if clock.phase == .writing { answered() }
        case .wouldBlock: watchWriting()
        default: abandon()
        }
    }

    /// The answer's last byte has been written.
    private func answered() {
        guard let exchange else { return }
        self.exchange = nil
        complete(exchange, isComplete: true)
        if clientHasEnded { return close() }
        if exchange.mustClose { return linger(isRequestRead: exchange.head != nil && !parser.isMidRequest) }
        enter(.idle(isDraining ? context.options.drainGrace : context.options.idleTimeout))
        resumeReading()
        advance()
    }

    private func complete(_ exchange: Exchange, isComplete: Bool) {
        context.observer.requestCompleted(
            exchange.record(remoteAddress: remoteAddress, isComplete: isComplete, now: .now))
    }

    private func watchWriting() {
        guard writeSource == nil else { return }
        let source = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [self] in if clock.phase != .closed { flush() } }
        source.setCancelHandler { [self] in sourceCancelled() }
        liveSources += 1
        writeSource = source
        source.activate()
    }

    private func cancelWriteSource() {
        writeSource?.cancel()
        writeSource = nil
    }

    // MARK: Ending

    /// The client's stream has ended. Before an answer that means it has hung up; while one is written it may still read.
    private func clientEnded() {
        clientHasEnded = true
        if clock.phase == .writing { return pauseReading() }
        abandon()
    }

    /// Ends without an answer, or in the middle of one.
    private func abandon() {
        guard clock.phase != .closed else { return }
        if let exchange, exchange.head != nil || exchange.status != nil {
            complete(exchange, isComplete: false)
        }
        exchange = nil
        close()
    }

    /// Ends this side's stream and discards what the client still sends, until it has read the answer and closes: a
    /// close with input unread would reset the connection and might destroy the answer on its way (RFC 9112 §9.6).
    private func linger(isRequestRead: Bool) {
        Socket.endWriting(descriptor)
        received.consume(received.count)
        received.releaseIfEmpty()
        // Twice the largest body: a client just past that limit, deaf until it has sent all, still reads why.
        lingerBudget = min(context.options.maxBodyBytes, Int.max / 2) * 2
        let limit = context.options.lingerTimeout
        enter(.lingering(isRequestRead ? min(limit, .seconds(1)) : limit))
        resumeReading()
        discardInput()
    }

    private func discardInput() {
        for _ in 0..<Self.maxReadsInARow {
            guard let room = received.room() else { return close() }
            switch Socket.read(descriptor, into: room) {
            case .bytes(let count):
                lingerBudget -= count
                if lingerBudget < 0 { return close() }
            case .wouldBlock: return
            case .end, .failed: return close()
            }
        }
    }

    private func close() {
        guard clock.phase != .closed else { return }
        clock.enter(.closed, now: .now)
        task?.cancel()
        task = nil
        timer?.cancel()
        timer = nil
        cancelWriteSource()
        resumeReading()  // a suspended source is never told that it is cancelled
        readSource?.cancel()
        readSource = nil
    }

    private func sourceCancelled() {
        liveSources -= 1
        guard liveSources == 0, clock.phase == .closed else { return }
        Socket.close(descriptor)
        context.observer.connectionClosed()
        context.ended(number)
    }

    private func pauseReading() {
        guard !isReadingPaused else { return }
        isReadingPaused = true
        readSource?.suspend()
    }

    private func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        readSource?.resume()
    }

    // MARK: Time

    private func enter(_ phase: ConnectionClock.Phase) {
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
        case .body: refuse(.bodyTooSlow(received: clock.byteCount))
        case .writing: abandon()
        case .lingering: close()
        case .handling, .closed: break
        }
    }
}
