/// What a connection is doing and until when it may; told the time, so that tests need none.
///
/// Bodies and answers get their timeout anew whenever they make progress, but on the whole no more than the timeout and
/// the time that their bytes take at the lowest rate, if there is one: a byte now and then does not hold a connection.
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
    /// When this phase began.
    private(set) var began: ContinuousClock.Instant
    private var progressed: ContinuousClock.Instant
    /// Until when the bytes of this phase have earned the connection its place, see ``isBehind(now:)``.
    private(set) var earnedUntil: ContinuousClock.Instant

    /// What a byte earns: 122 KB/s hold a place, though others want it.
    private static let timePerByte = Duration.nanoseconds(8192)
    /// The most that can be earned ahead: a burst does not pay for a minute's pause.
    private static let mostCredit = Duration.milliseconds(250)
    /// How far a transfer may be behind before it gives way to those who wait.
    static let patience = Duration.seconds(2)

    /// A connection at rest.
    init(idle timeout: Duration, now: ContinuousClock.Instant) {
        phase = .idle(timeout)
        began = now
        progressed = now
        earnedUntil = now
    }

    /// Begins another phase.
    mutating func enter(_ phase: Phase, now: ContinuousClock.Instant) {
        self.phase = phase
        byteCount = 0
        began = now
        progressed = now
        earnedUntil = now
    }

    /// Notes that bytes went by.
    mutating func progress(_ count: Int, now: ContinuousClock.Instant) {
        byteCount += count
        progressed = now
        earnedUntil = min(earnedUntil + Self.timePerByte * count, now + Self.mostCredit)
    }

    /// Whether content or an answer is so slow that its connection may be needed more by somebody who waits. That costs
    /// a slow client nothing as long as there is room for all.
    func isBehind(now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .body, .writing: earnedUntil + Self.patience < now
        case .idle, .header, .handling, .lingering, .closed: false
        }
    }

    /// Whether nothing went by for the phase's timeout, or else too little on the whole; to be asked past the deadline.
    func hasPaused(_ timeout: Duration, now: ContinuousClock.Instant) -> Bool { progressed + timeout <= now }

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
        guard options.minBytesPerSecond > 0 else { return progressed + timeout }
        let earned = Duration.seconds(Double(byteCount) / Double(options.minBytesPerSecond))
        return min(progressed + timeout, began + timeout + earned)
    }
}

/// Who gives way first where there is no room for all: the smaller, the sooner.
///
/// First those who have not sent a byte and those whose answer is written, then those at rest between two requests, longest rest
/// first, then those in the middle of a head, since an honest one is whole in a moment, then slow transfers, the furthest behind
/// first. Who is being answered never does.
struct Standing: Sendable, Comparable, RawRepresentable {
    /// What it does above, since when below.
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    private enum Rank: UInt64 {
        case silent
        case resting
        case beginning
        case transferring
        case busy
    }

    private static let timeBits: UInt64 = 60
    /// Times are counted from here. Units: nanoseconds, which fit for 36 years.
    private static let epoch = ContinuousClock.now - .seconds(3600)

    /// How a connection stands.
    ///
    /// - Parameter hasBegun: whether a byte of a request has ever come.
    init(_ clock: ConnectionClock, hasBegun: Bool) {
        switch clock.phase {
        case .idle: self.init(hasBegun ? .resting : .silent, clock.began)
        case .lingering: self.init(.silent, clock.began)
        case .header: self.init(.beginning, clock.began)
        case .body, .writing: self.init(.transferring, clock.earnedUntil)
        case .handling, .closed: self.init(.busy, Self.epoch)
        }
    }

    private init(_ rank: Rank, _ time: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (time - Self.epoch).components
        let nanoseconds = UInt64(clamping: seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
        rawValue = (rank.rawValue << Self.timeBits) | min(nanoseconds, (1 << Self.timeBits) - 1)
    }

    /// Whether it gives its place up.
    func givesWay(now: ContinuousClock.Instant) -> Bool { self < Self(.transferring, now - ConnectionClock.patience) }

    /// Whether it gives the memory of its body up: there is no patience with who fills that and then stalls.
    func givesMemoryUp(now: ContinuousClock.Instant) -> Bool { isTransferring && self < Self(.transferring, now) }

    /// Whether content is sent or an answer read.
    var isTransferring: Bool { rawValue >> Self.timeBits == Rank.transferring.rawValue }

    static func < (one: Standing, other: Standing) -> Bool { one.rawValue < other.rawValue }
}
