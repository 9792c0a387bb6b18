/// How long a batch of one model that is not full waits for images that are on their way.
///
/// The larger a batch, the less time each of its images takes, since weights are read from memory once for all of them.
/// So a batch waits while images of its model are being decoded. It also waits for the clients that were answered last,
/// if these usually ask again at once, as closed-loop clients do. Otherwise they would split into two halves that
/// alternate in batches half as large. A lone image waits for nothing.
struct CoalescingDelay {
    /// The longest wait of an image that is ready. While all threads decode, waiting costs no throughput; but a flood
    /// of large images must not delay small ones.
    static let longest = Duration.milliseconds(100)
    /// Speculative wait: at most 1/8 of a batch's duration.
    private static let speculativeFraction = 8

    /// A batch that has run.
    private struct Run {
        let end: ContinuousClock.Instant
        let duration: Duration
        let imageCount: Int
        /// Images that were admitted up to ``returnEnd``.
        var returnCount = 0

        /// A request that arrives up to this time counts as a client's return.
        var returnEnd: ContinuousClock.Instant { end + duration / speculativeFraction }
        var timePerImage: Duration { duration / imageCount }
    }

    private var last: Run?
    /// Whether the clients of the batch before the last one returned: with at least half as many images as it had.
    private var expectsReturns = false
    private var decodingCount = 0
    private var lastDecodingStart: ContinuousClock.Instant?

    /// The duration of the last batch, divided by its images; nil before the first.
    var timePerImage: Duration? { last?.timePerImage }

    /// Images were admitted.
    mutating func didAdmit(_ imageCount: Int, now: ContinuousClock.Instant) {
        if let end = last?.returnEnd, now <= end { last?.returnCount += imageCount }
    }

    /// A thread begins to decode an image.
    mutating func willDecode(now: ContinuousClock.Instant) {
        decodingCount += 1
        lastDecodingStart = now
    }

    /// A thread has decoded an image, or has found that nobody waits for it.
    mutating func didDecode() { decodingCount -= 1 }

    /// A batch is about to be answered.
    mutating func didRun(_ imageCount: Int, for duration: Duration, now: ContinuousClock.Instant) {
        if let last { expectsReturns = 2 * last.returnCount >= last.imageCount }
        last = Run(end: now, duration: duration, imageCount: imageCount)
    }

    /// When a batch that is not full stops waiting.
    ///
    /// - Parameters:
    ///   - readyCount: the images that are ready.
    ///   - readySince: when the first of them became ready.
    ///   - hasUndecoded: whether there are images that no thread decodes yet.
    func end(
        readyCount: Int, readySince: ContinuousClock.Instant, hasUndecoded: Bool
    ) -> ContinuousClock.Instant {
        if hasUndecoded { return readySince + Self.longest }
        guard let last else { return readySince }
        var end = readySince
        if decodingCount > 0, let lastDecodingStart {
            let speculative = last.timePerImage * readyCount / Self.speculativeFraction
            end = min(readySince + Self.longest, lastDecodingStart + speculative)
        }
        if expectsReturns, last.returnCount < last.imageCount {
            end = max(end, min(readySince + Self.longest, last.returnEnd))
        }
        return end
    }
}
