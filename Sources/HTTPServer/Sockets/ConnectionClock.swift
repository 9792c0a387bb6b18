/// What a connection is doing and until when it may; told the time, so that tests need none.
///
/// Bodies and answers get their timeout anew whenever they make progress, but on the whole no more than the timeout and
/// the time that their bytes take at the lowest rate: a byte now and then does not hold a connection.
struct ConnectionClock {
    /// What a connection does.
    enum Phase: Equatable, Sendable {
        /// Waits for the first byte of a request, so long at most.
        case idle(Duration)
        /// Reads the request line and fields.
        case header
        /// Reads the body.
        case body
        /// Waits for the handler, which has its own deadline.
        case handling
        /// Writes the answer.
        case writing
        /// Has ended its stream and discards what still comes, so long at most.
        case lingering(Duration)
        /// Is over.
        case closed
    }

    /// What the connection does now.
    private(set) var phase: Phase
    /// Bytes that went by in this phase.
    private(set) var byteCount = 0
    private var began: ContinuousClock.Instant
    private var progressed: ContinuousClock.Instant

    /// A connection at rest.
    init(idle timeout: Duration, now: ContinuousClock.Instant) {
        phase = .idle(timeout)
        began = now
        progressed = now
    }

    /// Begins another phase.
    mutating func enter(_ phase: Phase, now: ContinuousClock.Instant) {
        self.phase = phase
        byteCount = 0
        began = now
        progressed = now
    }

    /// Notes that bytes went by.
    mutating func progress(_ count: Int, now: ContinuousClock.Instant) {
        byteCount += count
        progressed = now
    }

    /// When the phase must be over, or nil if it may last.
    func deadline(_ options: ServerOptions) -> ContinuousClock.Instant? {
        switch phase {
        case .idle(let timeout), .lingering(let timeout): began + timeout
        case .header: began + options.headerTimeout
        case .body: transferDeadline(options.bodyTimeout, options)
        case .writing: transferDeadline(options.writeTimeout, options)
        case .handling, .closed: nil
        }
    }

    private func transferDeadline(_ timeout: Duration, _ options: ServerOptions) -> ContinuousClock.Instant {
        let earned = Duration.seconds(Double(byteCount) / Double(max(1, options.minBytesPerSecond)))
        return min(progressed + timeout, began + timeout + earned)
    }
}
