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
