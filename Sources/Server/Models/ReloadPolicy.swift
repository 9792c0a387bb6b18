import Inference

/// Decides when changed files are loaded: a debounce, and a backoff for files that cannot be read.
///
/// A check that failed is not reported here: it says nothing about the files.
struct ReloadPolicy {
    /// What to do after a check of the files.
    enum Action: Equatable {
        case wait
        case load
    }

    /// A load that failed for a transient reason.
    private struct Postponed {
        let fingerprint: ModelFingerprint
        var tryCount = 1
        /// Checks until the next try.
        var looksLeft = 0
    }

    /// The files that were last loaded or refused: neither is tried again.
    private var settled: ModelFingerprint
    /// The files as they were at the last check.
    private var last: ModelFingerprint
    private var postponed: Postponed?
    /// Whether a requested load could not even begin, since the files could not be checked.
    private var isDue = false

    /// Tries after which the reason no longer counts as transient: about a minute if checks are a second apart.
    static let maxTransientTries = 7
    /// Exponential backoff: 1, 2, 4 … checks between two tries, 64 at most.
    private static let maxLooksBetweenTries = 64

    /// - Parameter settled: the files that need no load; `none` for a model that was never loaded.
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
    ///   - after: the files when it ended. If they differ, it may have read a mixture, and another check is due.
    mutating func didLoad(before: ModelFingerprint, after: ModelFingerprint) {
        (postponed, isDue) = (nil, false)
        if before == after { settled = after }
        last = after
    }

    /// A load was requested, but the files could not be checked: it follows once they can be.
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
