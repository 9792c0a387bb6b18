import Inference
import Threads

/// The time slices of a long decode, between which it yields its thread to shorter work. Used on that thread only.
///
/// A codec cannot be suspended, but it asks every few milliseconds whether it is to go on. Once its time slice is over,
/// its thread does something shorter in that callback: cooperative multitasking, nested on one stack. So no number of
/// large images causes head-of-line blocking of a small one.
final class DecodeTimeSlice {
    /// How long a decode works before it yields.
    static let workDuration = Duration.milliseconds(10)
    /// The shortest time for which it yields, if there is enough other work: a decode keeps 1/5 of its thread.
    static let yieldDuration = Duration.milliseconds(40)
    /// The most decodes that nest on one thread.
    private static let maxDepth = 3
    /// An image that overtakes this one is estimated to take at most 1/4 of its time.
    private static let overtakingFraction = 4

    let start: ContinuousClock.Instant
    let depth: Int
    /// The estimated time of this image. Units: nanoseconds.
    private let nanoseconds: Int
    private var resumed: ContinuousClock.Instant
    /// The time that others have had since the start.
    private(set) var yielded = Duration.zero

    init(_ cost: ImageCost, now: ContinuousClock.Instant, depth: Int = 0) {
        start = now
        resumed = now
        nanoseconds = cost.nanoseconds
        self.depth = depth
    }

    /// Whether the slice is over.
    func shouldYield(now: ContinuousClock.Instant) -> Bool {
        depth < Self.maxDepth && now - resumed >= Self.workDuration
    }

    /// The longest estimate of an image that may overtake this one. If this image takes longer than estimated, its
    /// actual time counts. Units: nanoseconds.
    func maxNanoseconds(now: ContinuousClock.Instant) -> Int {
        max(nanoseconds, (now - start - yielded).nanoseconds) / Self.overtakingFraction
    }

    /// Begins the next slice; others had the thread since `yieldStart`.
    func resume(yieldedFrom yieldStart: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        yielded += now - yieldStart
        resumed = now
    }
}
