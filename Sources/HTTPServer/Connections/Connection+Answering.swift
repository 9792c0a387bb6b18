/// Bytes out: from the response to the socket.
extension Connection {
    func respond(_ response: Response) {
        guard let exchange else { return abandon() }
        let response = context.router.finished(response, path: exchange.path)
        let isCrowded = context.registry.isCrowded.load(ordering: .relaxed)
        let keepsAlive = exchange.head?.keepsAlive ?? false
        // A request that has begun to arrive behind this one is still answered, whoever wants the connection closed.
        let shouldClose = (isDraining || isCrowded) && received.count == 0
        let closes = exchange.mustClose || !keepsAlive || shouldClose
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

    func flush() {
        let (byteCount, stop) = toSend.flush(to: descriptor)
        exchange?.bytesOut += byteCount
        if byteCount > 0, clock.phase == .writing { progress(byteCount, now: .now) }
        switch stop {
        case nil:
            watch?.interest.remove(.writing)
            if clock.phase == .writing { answered() }
        case .wouldBlock: watch?.interest.insert(.writing)
        default: abandon()
        }
    }

    /// The answer's last byte has been written.
    func answered() {
        guard let exchange else { return }
        self.exchange = nil
        complete(exchange, isComplete: true)
        if exchange.mustClose {
            if gaveWay { return close() }
            return linger(isRequestRead: isRefused || (exchange.head != nil && !parser.isMidRequest))
        }
        enter(.idle(isDraining ? context.options.drainGrace : context.options.idleTimeout))
        resumeReading()
        advance()
    }

    func complete(_ exchange: Exchange, isComplete: Bool) {
        context.observer.requestCompleted(
            exchange.record(remoteAddress: remoteAddress, isComplete: isComplete, now: .now))
    }
}
