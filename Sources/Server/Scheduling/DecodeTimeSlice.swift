import Inference
import Threads

/// How a long decode yields its thread to shorter work; belongs to that thread alone.
///
/// A codec cannot be suspended, but it asks every few milliseconds whether it is to go on. Once its time slice is over,
/// its thread does something shorter in that callback: cooperative multitasking, nested on one stack. So no number of
/// large images causes head-of-line blocking of a small one.
final class DecodeTimeSlice {
    /// How long a decode works before it yields.
    static let workDuration = Duration.milliseconds(10)
    /// How long it yields at least, where others have that much to do: a decode keeps 1/5 of its thread.
    static let yieldDuration = Duration.milliseconds(40)
    /// Decodes within one another on one thread.
    private static let maxDepth = 3
    /// An image that overtakes this one is estimated to take at most 1/4 of its time.
    private static let overtakingFraction = 4

    let start: ContinuousClock.Instant
    let depth: Int
    /// Estimated for this image.
    private let nanoseconds: Int
    private var resumed: ContinuousClock.Instant
    /// What others took of the time since the start.
    private(set) var yielded = Duration.zero

    init(_ cost: ImageCost, now: ContinuousClock.Instant, depth: Int = 0) {
        start = now
        resumed = now
        nanoseconds = cost.nanoseconds
        self.depth = depth
    }

    /// Is the slice over?
    func shouldYield(now: ContinuousClock.Instant) -> Bool {
        depth < Self.maxDepth && now - resumed >= Self.workDuration
    }

    /// What an image may take that overtakes this one. An image that takes longer than estimated counts with its actual
    /// time.
    func maxNanoseconds(now: ContinuousClock.Instant) -> Int {
        max(nanoseconds, (now - start - yielded).nanoseconds) / Self.overtakingFraction
    }

    /// Begins the next slice; others had the thread since `yieldStart`.
    func resume(yieldedFrom yieldStart: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        yielded += now - yieldStart
        resumed = now
    }
}
