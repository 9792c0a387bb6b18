import HTTPTypes

/// How a request is received, parsed, handled and answered.
extension Connection {
    /// The most content that is read before the connection yields to others. Parsing this much of a form that was
    /// crafted to be slow takes 10 to 20 ms. Units: bytes.
    private static let mostReadAtOnce = 1 << 20
    /// The most parser events that are handled before the connection yields to others. A request has three, so this is
    /// one millisecond of the cheapest requests, pipelined.
    private static let mostEffort = 64
    /// The most coded content that is decoded as one event: it may inflate a thousandfold. Units: bytes.
    private static let mostCodedContent = 512
    /// How many events one such piece counts as: inflating half a megabyte takes a few hundred microseconds.
    private static let decodingEffort = 8

    /// Reads until the socket is empty, a request has to be handled, or the connection has read its share.
    func receive() {
        for _ in 0..<Self.maxReadsInARow {
            guard state.isReadingSocket else { return }
            guard let (outcome, room) = receiveContent() ?? receiveBytes() else { return pauseReading() }
            switch outcome {
            case .bytes(let count):
                lastReadAt = system.now
                on(.received(count))
                // The socket is empty, or the rest can wait: the event loop reports it again.
                if count < room || count == Self.mostReadAtOnce || !state.isReadingRequest { return }
            case .wouldBlock: return
            case .end: return on(.inputEnded)
            case .failed: return on(.broken)
            }
        }
    }

    /// The outcome of a read, and how many bytes there was room for.
    private typealias Received = (outcome: Socket.Outcome, room: Int)

    /// Reads into the buffer, if it has room.
    private func receiveBytes() -> Received? {
        guard let room = received.room(expecting: parser.announced) else { return nil }
        let outcome = system.read(descriptor, into: room)
        if case .bytes(let count) = outcome { received.append(count) }
        return (outcome, room.count)
    }

    /// Reads content straight into the body's array, if that has room and no bytes or codings come before it.
    private func receiveContent() -> Received? {
        guard state.phase == .body, received.count == 0, parser.announced > 0, exchange?.decoder == nil,
            var sink = exchange?.sink
        else { return nil }
        // Moved out of the exchange for the call, so that the array has one owner and is not copied.
        exchange?.sink = nil
        let read = sink.receive(upTo: min(parser.announced, Self.mostReadAtOnce)) { system.read(descriptor, into: $0) }
        guard let read, case .bytes(let count) = read.outcome else {
            exchange?.sink = sink
            return read
        }
        parser.skip(count)
        exchange?.bytesIn += count
        do throws(RequestError) {
            try sink.parse()
            exchange?.sink = sink
        } catch {
            refuse(error)
        }
        return read
    }

    /// Parses what was received, and answers the requests in it.
    func advance() {
        takeEvents()
        on(.starved)
    }

    private func takeEvents() {
        var effort = 0
        while state.isReadingRequest, !state.input.hasYielded {
            if received.count == 0, state.isIdle { return received.releaseIfEmpty() }
            if effort >= Self.mostEffort { return on(.turnSpent) }
            effort += exchange?.decoder == nil ? 1 : Self.decodingEffort
            do throws(RequestError) {
                guard try step() else { return }
            } catch {
                refuse(error)
            }
        }
    }

    /// Handles one event of the parser.
    ///
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
            ready()
        }
        return true
    }

    /// Keeps decoded content for the handler.
    private func keep(_ content: UnsafeRawBufferPointer) throws(RequestError) {
        // Moved out of the exchange for the call, so that the array has one owner and is not copied.
        guard var sink = exchange?.sink else { return }
        exchange?.sink = nil
        try sink.append(content)
        exchange?.sink = sink
    }

    private func begin() {
        exchange = Exchange(startedAt: lastReadAt, id: system.makeRequestID())
        on(.requestBegan)
    }

    /// Finds the route. Refuses the request at once if its head suffices for that.
    private func take(_ head: RequestHead) throws(RequestError) {
        exchange?.head = head
        if let id = RequestID.sane(head.requestID) { exchange?.id = id }
        if isProxy {
            exchange?.clientAddress = ForwardedClient.address(
                in: head.headerFields, trusted: context.options.trustedProxies)
        }

        // This comes before the client is asked for the body (RFC 9110 §10.1.1).
        if head.target.isAsterisk {
            return answerEarly(options(context.router.allowedMethods, head), head)
        }
        switch context.router.match(head.line.method, head.target.path) {
        // OPTIONS needs no route (RFC 9110 §9.3.7).
        case .methodNotAllowed(let methods) where head.line.method == .options:
            return answerEarly(options(methods, head), head)
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
                // The route does not need the body, so the client is not asked for it. It may still come: the
                // connection closes after the answer, since the parser is in the middle of the request.
                return ready()
            }
            toSend.append(ResponseWriter.continueBytes)
            flush()
        }
        on(.contentFollows)
    }

    /// Answers without a handler: at the end of the request if it has no body, else at once.
    private func answerEarly(_ response: Response, _ head: RequestHead) {
        if head.framing == .none || head.framing == .fixed(0) {
            exchange?.earlyResponse = response
        } else {
            respond(response)
        }
    }

    /// The answer to OPTIONS (RFC 9110 §9.3.7).
    private func options(_ methods: [HTTPRequest.Method], _ head: RequestHead) -> Response {
        var fields: HTTPFields = [.allow: methods.map(\.rawValue).joined(separator: ", ")]
        context.options.crossOriginPolicy?.answerPreflight(head.headerFields, methods: methods, in: &fields)
        return Response(status: .noContent, headerFields: fields)
    }

    /// Answers with an error: the bytes are not a request, or the server no longer waits for the rest of one. Where the
    /// next request would begin is unknown, so the connection closes.
    ///
    /// - Parameter ending: how the connection closes; nil lets the client read the answer first.
    func refuse(_ error: RequestError, then ending: ConnectionState.Ending? = nil) {
        if exchange == nil { begin() }
        if exchange?.head == nil {
            exchange?.line = parser.requestLine
            if parser.requestLine == nil { exchange?.targetBeginning = Self.targetBeginning(received.unread) }
            exchange?.bytesIn += received.count
        }
        respond(.problem(error), then: ending ?? closing)
    }

    /// The text after the first space of a line that could not be parsed: its path decides the form of the error.
    private static func targetBeginning(_ line: UnsafeRawBufferPointer) -> String? {
        guard let space = line.firstOffset(of: Octet.space) else { return nil }
        let rest = line.slice(space + 1..<min(line.count, space + 257))
        return rest.slice(0..<(rest.firstIndex(where: { !ByteSet.target.contains($0) }) ?? rest.count)).text
    }

    /// How the connection closes, so that the client can read the answer.
    private var closing: ConnectionState.Ending {
        isRefused || (exchange?.head != nil && !parser.isMidRequest) ? .lingerBriefly : .linger
    }

    /// The request is complete, or the route does not need the rest.
    private func ready() {
        if let response = exchange?.earlyResponse { respond(response) } else { on(.requestReady) }
    }

    /// Runs the handler.
    func handle() {
        guard let exchange, let head = exchange.head, let route = exchange.route else { return on(.broken) }
        let sink = exchange.sink
        let content = sink?.content ?? []
        exchange.sink = nil
        let body: RequestBody
        do throws(RequestError) {
            try exchange.decoder?.finish()
            exchange.decoder = nil
            body = try sink?.finish() ?? .bytes([])
        } catch {
            return refuse(error)
        }
        let request = Request(
            id: exchange.id, method: head.line.method, target: head.line.target, path: head.target.path,
            pathParameters: exchange.pathParameters, query: head.target.query, headerFields: head.headerFields,
            body: body, remoteAddress: exchange.clientAddress ?? remoteAddress, startedAt: exchange.startedAt,
            receivedAt: lastReadAt)
        task = Task(executorPreference: loop) { [self, reservation = exchange.reservation] in
            let response = await route.handler(request)
            loop.preconditionIsCurrent()
            // The handler may hold the body until it returns, even if the client has hung up.
            withExtendedLifetime(reservation) {}
            context.bodyPool.keep(content)
            task = nil
            // A client that has hung up in the meantime gets nothing.
            guard state.phase == .handling else { return }
            respond(response)
            if state.isIdle { advance() }
        }
    }

    /// Sends the answer.
    ///
    /// - Parameter ending: what follows the answer; nil keeps the connection open if it can be used again.
    private func respond(_ response: Response, then ending: ConnectionState.Ending? = nil) {
        guard let exchange else { return on(.broken) }
        var response = context.router.finished(response, path: exchange.path)
        context.options.crossOriginPolicy?.permit(
            exchange.head?.headerFields[.origin], in: &response.headerFields)
        let ending = ending ?? (keepsAlive ? .keepAlive : closing)
        let answer = ResponseWriter.Context(
            requestID: exchange.id, date: context.date.text(system.wallTime),
            isHead: (exchange.head?.line ?? exchange.line)?.method == .head, closes: ending != .keepAlive,
            tellsKeepAlive: exchange.head?.line.version == .http10)
        exchange.status = response.status
        exchange.annotations = response.annotations

        toSend.append(ResponseWriter.head(response, answer))
        if ResponseWriter.sendsBody(response, answer) { toSend.append(response.body) }
        on(.answer(ending))
    }

    /// Whether another request may follow.
    private var keepsAlive: Bool {
        guard !parser.isMidRequest, exchange?.head?.keepsAlive ?? false else { return false }
        // A pipelined request is still answered, even while the server is draining or has too many clients.
        return received.count > 0 || !(state.isDraining || context.registry.isCrowded.load(ordering: .relaxed))
    }
}
