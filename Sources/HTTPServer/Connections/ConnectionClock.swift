/// What a connection is doing, and its deadline for that. It is told the time, so that tests need no clock.
///
/// The timeout of a body or a response starts again with every byte. On the whole it gets its timeout once, and the
/// time that its bytes take at the lowest rate (``ServerOptions/minBytesPerSecond``): a byte now and then does not keep
/// a connection open.
struct ConnectionClock {
    /// What a connection does.
    enum Phase: Equatable, Sendable {
        /// Waits for the first byte of a request, for this long at most.
        case idle(Duration)
        /// Reads the request line and fields.
        case header
        /// Reads the body.
        case body
        /// Waits for the handler, which has a deadline of its own.
        case handling
        /// Writes the response.
        case writing
        /// Has ended its stream and discards what still comes, for this long at most.
        case lingering(Duration)
        /// Is closed.
        case closed
    }

    /// What the connection does now.
    private(set) var phase: Phase
    /// Bytes that went by in this phase.
    private(set) var byteCount = 0
    /// When this phase began.
    private(set) var began: ContinuousClock.Instant
    private var progressed: ContinuousClock.Instant
    /// A token bucket, as the time at which it is empty: the transfer is fast enough for now until then. See
    /// ``isBehind(now:)``.
    private(set) var earnedUntil: ContinuousClock.Instant

    /// How long a byte lasts: at 122 KB/s a transfer keeps its place, though others want it.
    private static let timePerByte = Duration.nanoseconds(8192)
    /// The size of the bucket: a burst does not pay for a minute's pause.
    private static let maxCredit = Duration.milliseconds(250)
    /// How far behind a transfer may be before it can be evicted.
    static let patience = Duration.seconds(2)

    /// An idle connection.
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
        earnedUntil = min(earnedUntil + Self.timePerByte * count, now + Self.maxCredit)
    }

    /// Whether a body or a response is so slow that the connection may be evicted. That happens only where another
    /// client needs the place.
    func isBehind(now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .body, .writing: earnedUntil + Self.patience < now
        case .idle, .header, .handling, .lingering, .closed: false
        }
    }

    /// Past the deadline of a transfer: whether it paused for the whole timeout. If not, it was too slow on average.
    func hasPaused(_ timeout: Duration, now: ContinuousClock.Instant) -> Bool { progressed + timeout <= now }

    /// When the phase must be over; nil for no deadline.
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

/// The order in which connections are evicted where there is no room for all: the smallest first.
///
/// First come connections that never sent a byte and those whose response is written. Then idle ones, the longest idle
/// first. Then those in the middle of a head, since an honest client sends that in a moment. Then slow transfers, the
/// furthest behind first. A connection whose request is being handled is never evicted.
struct EvictionRank: Sendable, Comparable, RawRepresentable {
    /// The phase in the upper four bits, since when in the lower sixty: one atomic word, which other threads compare.
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    private enum Rank: UInt64 {
        case silent
        case idle
        case header
        case transferring
        case busy
    }

    private static let timeBits: UInt64 = 60
    /// Times are counted from here. Units: nanoseconds, which fit for 36 years.
    private static let epoch = ContinuousClock.now - .seconds(3600)

    /// The rank of a connection.
    ///
    /// - Parameter hasBegun: whether a byte of a request has ever come.
    init(_ clock: ConnectionClock, hasBegun: Bool) {
        switch clock.phase {
        case .idle: self.init(hasBegun ? .idle : .silent, clock.began)
        case .lingering: self.init(.silent, clock.began)
        case .header: self.init(.header, clock.began)
        case .body, .writing: self.init(.transferring, clock.earnedUntil)
        case .handling, .closed: self.init(.busy, Self.epoch)
        }
    }

    private init(_ rank: Rank, _ time: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (time - Self.epoch).components
        let nanoseconds = UInt64(clamping: seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000)
        rawValue = (rank.rawValue << Self.timeBits) | min(nanoseconds, (1 << Self.timeBits) - 1)
    }

    /// Whether the connection may be evicted for a new client.
    func isEvictable(now: ContinuousClock.Instant) -> Bool {
        self < Self(.transferring, now - ConnectionClock.patience)
    }

    /// Whether the upload may be ended so that its memory is free. That has no patience: an upload that takes memory
    /// must not stall.
    func isReclaimable(now: ContinuousClock.Instant) -> Bool { isTransferring && self < Self(.transferring, now) }

    /// Whether a body or a response is being transferred.
    var isTransferring: Bool { rawValue >> Self.timeBits == Rank.transferring.rawValue }

    static func < (one: EvictionRank, other: EvictionRank) -> Bool { one.rawValue < other.rawValue }
}
