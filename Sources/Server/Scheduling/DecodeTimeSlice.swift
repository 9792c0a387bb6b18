import Inference

/// How the decoding of one picture shares its thread; belongs to that thread alone.
///
/// A codec cannot be put aside, but it asks every few milliseconds whether it is to go on. Then, and at most half of the time
/// where it is among equals, its thread does something shorter. So no number of large pictures holds a small one up.
final class DecodePace {
    /// How long a decode works before it gives way.
    static let stretch = Duration.milliseconds(10)
    /// How long it gives way at least where others have that much to do; it has a fifth of its thread at the worst.
    static let pause = Duration.milliseconds(40)
    /// Decodes within one another on one thread.
    private static let maxDepth = 3
    /// How many times less than this picture another one takes that goes first.
    private static let ratio = 4

    let start: ContinuousClock.Instant
    let depth: Int
    private let nanoseconds: Int
    /// When it was taken up last.
    private var lastStart: ContinuousClock.Instant
    /// What others took of the time since the start.
    private(set) var givenAway = Duration.zero

    init(_ cost: ImageCost, now: ContinuousClock.Instant, depth: Int = 0) {
        start = now
        lastStart = now
        nanoseconds = cost.nanoseconds
        self.depth = depth
    }

    /// Is it others' turn?
    func isTime(now: ContinuousClock.Instant) -> Bool { depth < Self.maxDepth && now - lastStart >= Self.stretch }

    /// What a picture may take that goes first. One that takes longer than it was estimated to is as large as that.
    func mostNanoseconds(now: ContinuousClock.Instant) -> Int {
        max(nanoseconds, (now - start - givenAway).nanoseconds) / Self.ratio
    }

    /// Others have had their turn.
    func goOn(from pauseStart: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        givenAway += now - pauseStart
        lastStart = now
    }
}
