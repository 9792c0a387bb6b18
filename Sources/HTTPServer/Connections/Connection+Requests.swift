import HTTPTypes

/// Bytes in: from the socket to the handler.
extension Connection {
    func readable() {
        if case .lingering = clock.phase { return discardInput() }
        for _ in 0..<Self.maxReadsInARow {
            guard clock.phase != .closed, !clientHasEnded, !hasPutOff else { return }
            guard let (outcome, room) = receiveContent() ?? receive() else { return pauseReading() }
            switch outcome {
            case .bytes(let count):
                lastReadAt = .now
                if clock.phase == .body { progress(count, now: lastReadAt) }
                advance()
                // There was no more, or it can wait; the loop tells of what there is.
                if count < room || count == Self.mostReadAtOnce || !readsRequests { return }
            case .wouldBlock: return
            case .end: return clientEnded()
            case .failed: return abandon()
            }
        }
    }

    /// What came of a read, and how many bytes there was room for.
    private typealias Received = (outcome: Socket.Outcome, room: Int)

    /// Reads into the buffer, if it has room.
    private func receive() -> Received? {
        guard let room = received.room(expecting: parser.announced) else { return nil }
        let outcome = Socket.read(descriptor, into: room)
        if case .bytes(let count) = outcome { received.append(count) }
        return (outcome, room.count)
    }

    /// Reads content straight to where it stays, if that has room and nothing stands between.
    private func receiveContent() -> Received? {
        guard clock.phase == .body, received.count == 0, parser.announced > 0, exchange?.decoder == nil,
            var sink = exchange?.sink
        else { return nil }
        // The sink leaves the exchange while it grows, so that its array has one owner and is not copied.
        exchange?.sink = nil
        let read = sink.receive(upTo: min(parser.announced, Self.mostReadAtOnce)) { Socket.read(descriptor, into: $0) }
        guard let read, case .bytes(let count) = read.outcome else {
            exchange?.sink = sink
            return read
        }
        parser.skip(count)
        exchange?.bytesIn += count
        do throws(RequestError) {
            try sink.look()
            exchange?.sink = sink
        } catch {
            refuse(error)
        }
        return read
    }

    /// Reads events out of the received bytes as long as there is something to do.
    func advance() {
        // Answering may lead back here; the loop that is already running then goes on.
        guard !isAdvancing, !hasPutOff else { return }
        isAdvancing = true
        takeEvents()
        isAdvancing = false
        // What would complete the next request does not come any more.
        if clientHasEnded, readsRequests, !hasPutOff { abandon() }
    }

    private func takeEvents() {
        var effort = 0
        while readsRequests {
            if received.count == 0, case .idle = clock.phase { return received.releaseIfEmpty() }
            if effort >= Self.mostEffort { return putOff() }
            effort += exchange?.decoder == nil ? 1 : Self.decodingEffort
            do throws(RequestError) {
                guard try step() else { return }
            } catch {
                refuse(error)
            }
        }
    }

    /// Lets others have their turn before the rest of what was received; what the client does meanwhile comes behind that.
    private func putOff() {
        hasPutOff = true
        pauseReading()
        loop.execute { [self] in
            hasPutOff = false
            resumeReading()
            advance()
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
        let (event, consumed) = try parser.next(
            bytes, mostContent: exchange?.decoder == nil ? .max : Self.mostCodedContent)
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
            if let decoder = exchange?.decoder {
                try decoder.push(bytes.slice(range)) { piece throws(RequestError) in try keep(piece) }
            } else {
                try keep(bytes.slice(range))
            }
            received.consume(consumed)
        case .end:
            received.consume(consumed)
            try handle()
        }
        return true
    }

    /// Puts content, as the handler will see it, where it goes.
    private func keep(_ content: UnsafeRawBufferPointer) throws(RequestError) {
        // The sink leaves the exchange while it grows, so that its array has one owner and is not copied.
        guard var sink = exchange?.sink else { return }
        exchange?.sink = nil
        try sink.append(content)
        exchange?.sink = sink
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
        // Whoever asks what can be asked for gets an answer (RFC 9110 §9.3.7).
        case .methodNotAllowed(let methods) where head.line.method == .options:
            return answerEarly(Response(status: .noContent, headerFields: [.allow: Self.allow(methods)]), head)
        case .notFound:
            return answerEarly(context.router.refusal(of: head.line.method, head.target.path), head)
        case .methodNotAllowed(let methods):
            return answerEarly(
                context.router.refusal(of: head.line.method, head.target.path, allowed: methods), head)
        case .found(let route, let parameters):
            exchange?.route = route
            exchange?.pathParameters = parameters
        }
        if case .fixed(let count) = head.framing, count > context.options.maxBodyBytes {
            throw .bodyTooLong(limit: context.options.maxBodyBytes)
        }

        guard head.framing != .none, head.framing != .fixed(0) else { return }
        let readsBody = exchange?.route?.readsBody ?? false
        if readsBody {
            let coding = try ContentCoding.of(head.contentCodings)
            exchange?.decoder = try coding.map { coding throws(RequestError) in
                try ContentDecoder(coding, maxByteCount: context.options.maxBodyBytes)
            }
            let reservation = BodyReservation(context.bodyBudget, share: share) { [unowned self] shortage in
                context.registry.makeRoomForBodies(shortage == .address ? share : nil, besides: self)
            }
            exchange?.reservation = reservation
            exchange?.sink = try BodySink(
                head, isCoded: coding != nil, limits: context.options.multipartLimits, pool: context.bodyPool,
                reservation: reservation)
        }
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
    func refuse(_ error: RequestError) {
        if exchange == nil { begin() }
        if exchange?.head == nil {
            exchange?.line = parser.requestLine
            if parser.requestLine == nil { exchange?.targetBeginning = Self.targetBeginning(received.unread) }
            exchange?.bytesIn += received.count
        }
        exchange?.mustClose = true
        respond(.problem(error))
    }

    /// What stands behind the first space of a line that could not be read, so that an answer can still suit who asked.
    private static func targetBeginning(_ line: UnsafeRawBufferPointer) -> String? {
        guard let space = line.firstOffset(of: Octet.space) else { return nil }
        let rest = line.slice(space + 1..<min(line.count, space + 257))
        return rest.slice(0..<(rest.firstIndex(where: { !ByteSet.target.contains($0) }) ?? rest.count)).text
    }

    private func handle() throws(RequestError) {
        if let response = exchange?.earlyResponse { return respond(response) }
        guard let exchange, let head = exchange.head, let route = exchange.route else { return }
        try exchange.decoder?.finish()
        exchange.decoder = nil
        let sink = exchange.sink
        let content = sink?.content ?? []
        exchange.sink = nil
        let request = Request(
            id: exchange.id, method: head.line.method, target: head.line.target, path: head.target.path,
            pathParameters: exchange.pathParameters, query: head.target.query, headerFields: head.headerFields,
            body: try sink?.finish() ?? .bytes([]), remoteAddress: remoteAddress, startedAt: exchange.startedAt,
            receivedAt: lastReadAt)
        enter(.handling)
        task = Task(executorPreference: loop) { [self, reservation = exchange.reservation] in
            let response = await route.handler(request)
            loop.preconditionIsCurrent()
            // The body may be there for as long as the handler is, whoever has hung up.
            withExtendedLifetime(reservation) {}
            context.bodyPool.keep(content)
            task = nil
            // A client that has hung up in the meantime gets nothing.
            if clock.phase == .handling { respond(response) }
        }
    }
}
