/// For how long a batch of one model had better wait for images that are on their way.
///
/// The larger a batch, the less each of its images takes: weights are read from memory once for all of them. So while threads
/// are decoding for a model, its next batch waits; and where the clients that were answered last usually ask again at once,
/// as those with connections of their own do, it waits for them too. Otherwise they would fall into two halves that take
/// turns for ever, in batches half as large. A lone image waits for nothing.
struct Gathering {
    /// How long an image that could run waits at the most. While all threads decode this costs no throughput; but a flood of
    /// large pictures must not hold up small ones.
    static let longest = Duration.milliseconds(100)
    /// What a batch cannot be sure of it waits for during one part in so many of the time that a batch takes.
    private static let share = 8

    /// A batch that has run.
    private struct Run {
        let end: ContinuousClock.Instant
        let duration: Duration
        let imageCount: Int
        /// Images that were admitted soon after it.
        var returnCount = 0

        var returnEnd: ContinuousClock.Instant { end + duration / share }
        var timePerImage: Duration { duration / imageCount }
    }

    private var last: Run?
    /// Set where at least half of those that were answered by the run before the last one asked again at once.
    private var expectsReturns = false
    private var decodingCount = 0
    private var lastDecodingStart: ContinuousClock.Instant?

    /// What an image of the last batch took; nil before the first.
    var timePerImage: Duration? { last?.timePerImage }

    /// Images were given places.
    mutating func didAdmit(_ imageCount: Int, now: ContinuousClock.Instant) {
        if let end = last?.returnEnd, now <= end { last?.returnCount += imageCount }
    }

    /// A thread has begun to decode an image.
    mutating func willDecode(now: ContinuousClock.Instant) {
        decodingCount += 1
        lastDecodingStart = now
    }

    /// A thread has done so, or has found that nobody waits for it.
    mutating func didDecode() { decodingCount -= 1 }

    /// A batch has been answered.
    mutating func didRun(_ imageCount: Int, for duration: Duration, now: ContinuousClock.Instant) {
        if let last { expectsReturns = 2 * last.returnCount >= last.imageCount }
        last = Run(end: now, duration: duration, imageCount: imageCount)
    }

    /// Until when a batch waits.
    ///
    /// - Parameters:
    ///   - readyCount: the images that could run.
    ///   - readySince: when the first of them could.
    ///   - hasUndecoded: whether there are images that no thread decodes yet.
    func end(
        readyCount: Int, readySince: ContinuousClock.Instant, hasUndecoded: Bool
    ) -> ContinuousClock.Instant {
        if hasUndecoded { return readySince + Self.longest }
        guard let last else { return readySince }
        var end = readySince
        if decodingCount > 0, let lastDecodingStart {
            end = min(readySince + Self.longest, lastDecodingStart + last.timePerImage * readyCount / Self.share)
        }
        if expectsReturns, last.returnCount < last.imageCount {
            end = max(end, min(readySince + Self.longest, last.returnEnd))
        }
        return end
    }
}
