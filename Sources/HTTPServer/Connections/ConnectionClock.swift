/// What a connection is doing, and its deadline for that. The time is passed in, so that tests need no clock.
///
/// Every byte of a body or a response restarts its timeout. In addition, the whole transfer must be over within the
/// timeout plus the time that its bytes take at the lowest rate (``ServerOptions/minBytesPerSecond``). So a byte now
/// and then does not keep a connection open.
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
    /// Bytes that were transferred in this phase.
    private(set) var byteCount = 0
    /// When this phase began.
    private(set) var began: ContinuousClock.Instant
    private var progressed: ContinuousClock.Instant
    /// A token bucket, stored as the time at which it runs empty. Until then the transfer counts as fast enough. See
    /// ``isBehind(now:)``.
    private(set) var earnedUntil: ContinuousClock.Instant

    /// The time that a byte adds to the bucket: at 122 KB/s a transfer cannot be evicted.
    private static let timePerByte = Duration.nanoseconds(8192)
    /// The capacity of the bucket. It is small, so that a burst does not make up for a minute's pause.
    private static let maxCredit = Duration.milliseconds(250)
    /// How long the bucket may be empty before the transfer can be evicted.
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

    /// Notes that bytes were transferred.
    mutating func progress(_ count: Int, now: ContinuousClock.Instant) {
        byteCount += count
        progressed = now
        earnedUntil = min(earnedUntil + Self.timePerByte * count, now + Self.maxCredit)
    }

    /// Whether a body or a response is so slow that the connection may be evicted. It is evicted only if another client
    /// needs its place.
    func isBehind(now: ContinuousClock.Instant) -> Bool {
        switch phase {
        case .body, .writing: earnedUntil + Self.patience < now
        case .idle, .header, .handling, .lingering, .closed: false
        }
    }

    /// Why a transfer missed its deadline: whether it paused for the whole timeout. If not, it was too slow on average.
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

/// The order in which connections are evicted when the server has too many: the smallest rank first.
///
/// First come connections that never sent a byte and those whose response is written. Then idle ones, the longest idle
/// first. Then those in the middle of a head, since an honest client sends that in a moment. Then slow transfers, the
/// furthest behind first. A connection whose request is being handled is never evicted.
struct EvictionRank: Sendable, Comparable, RawRepresentable {
    /// The phase in the upper 4 bits, the time since when in the lower 60. One word, so that other threads can read it
    /// atomically.
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
    static let epoch = ContinuousClock.now - .seconds(3600)

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

    /// Whether the upload may be ended to free its memory. This holds as soon as the bucket is empty, without
    /// ``ConnectionClock/patience``: an upload that holds memory must not stall.
    func isReclaimable(now: ContinuousClock.Instant) -> Bool { isTransferring && self < Self(.transferring, now) }

    /// Whether a body or a response is being transferred.
    var isTransferring: Bool { rawValue >> Self.timeBits == Rank.transferring.rawValue }

    static func < (one: EvictionRank, other: EvictionRank) -> Bool { one.rawValue < other.rawValue }
}
