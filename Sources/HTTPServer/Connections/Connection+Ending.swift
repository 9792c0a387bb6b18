/// How connections end. (RFC 9112 §9.6)
extension Connection {
    /// The client's stream has ended. Before an answer that means it has hung up; while one is written it may still read.
    func clientEnded() {
        clientHasEnded = true
        if clock.phase == .writing { return pauseReading() }
        abandon()
    }

    /// Ends without an answer, or in the middle of one.
    func abandon() {
        guard clock.phase != .closed else { return }
        if let exchange, exchange.head != nil || exchange.status != nil {
            complete(exchange, isComplete: false)
        }
        exchange = nil
        close()
    }

    /// Ends this side's stream and discards what the client still sends, until it has read the answer and closes: a
    /// close with input unread would reset the connection and might destroy the answer on its way (RFC 9112 §9.6).
    func linger(isRequestRead: Bool) {
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

    func discardInput() {
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

    func close() {
        guard clock.phase != .closed else { return }
        clock.enter(.closed, now: .now)
        task?.cancel()
        task = nil
        watch?.cancel()
        watch = nil
        // Not before who closes it is through.
        loop.execute { [self] in
            Socket.close(descriptor)
            context.observer.connectionClosed()
            context.ended(number)
        }
    }

    func pauseReading() { watch?.interest.remove(.reading) }

    func resumeReading() {
        if !clientHasEnded { watch?.interest.insert(.reading) }
    }
}
