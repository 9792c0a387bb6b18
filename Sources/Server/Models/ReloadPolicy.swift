import Inference

/// Decides when changed files are loaded: a debounce, and a backoff for files that cannot be read.
///
/// A look that failed is not told here: it says nothing about the files.
struct ReloadPolicy {
    /// What to do after a look at the files.
    enum Action: Equatable {
        case wait
        case load
    }

    /// A load that failed for a transient reason.
    private struct Postponed {
        let fingerprint: ModelFingerprint
        var tryCount = 1
        /// Looks until the next try.
        var looksLeft = 0
    }

    /// The files that were last loaded, or refused: neither is tried again.
    private var settled: ModelFingerprint
    /// The files as they were at the last look.
    private var last: ModelFingerprint
    private var postponed: Postponed?
    /// Set while a load that was asked for could not even begin.
    private var isDue = false

    /// Tries after which the reason no longer counts as transient: about a minute where looks are a second apart.
    static let maxTransientTries = 7
    /// Exponential backoff: 1, 2, 4 … looks between two tries, 64 at most.
    private static let maxLooksBetweenTries = 64

    /// - Parameter settled: the files that need no load; none of a model that was never loaded.
    init(settled: ModelFingerprint = .none) {
        self.settled = settled
        last = settled
    }

    /// Debounce: load after two equal fingerprints, so that a file still being copied is left alone.
    mutating func look(at current: ModelFingerprint) -> Action {
        defer { last = current }
        guard current == last else { return .wait }
        if isDue { return .load }
        if let waiting = postponed, waiting.fingerprint == current {
            postponed?.looksLeft -= 1
            return waiting.looksLeft <= 1 ? .load : .wait
        }
        return current != settled ? .load : .wait
    }

    /// A load ended, with a version or with a refusal.
    ///
    /// - Parameters:
    ///   - before: the files when the load began.
    ///   - after: the files when it ended; where they differ it may have read a mixture, and another look is due.
    mutating func didLoad(before: ModelFingerprint, after: ModelFingerprint) {
        (postponed, isDue) = (nil, false)
        if before == after { settled = after }
        last = after
    }

    /// A load was asked for, but the files could not be looked at: it follows once they can.
    mutating func didNotLook() { isDue = true }

    /// Files could not be read for a transient reason: they are tried again after a backoff.
    ///
    /// - Returns: whether the reason no longer counts as transient and is to be reported; true once for the same files.
    mutating func didPostpone(_ fingerprint: ModelFingerprint) -> Bool {
        var next = Postponed(fingerprint: fingerprint)
        if let postponed, postponed.fingerprint == fingerprint { next.tryCount = postponed.tryCount + 1 }
        next.looksLeft = min(1 << min(next.tryCount - 1, 16), Self.maxLooksBetweenTries)
        (postponed, isDue) = (next, false)
        last = fingerprint
        return next.tryCount == Self.maxTransientTries
    }
}
