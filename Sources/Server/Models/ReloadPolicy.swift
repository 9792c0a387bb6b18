import Inference

/// Decides when changed files are ready to be loaded: once they have stopped changing.
///
/// A look that failed is not told here: it says nothing about the files.
struct ReloadDecision {
    /// What to do after a look at the files.
    enum Action: Equatable {
        case rest
        case load
    }

    /// A load that came to nothing for a reason that may pass.
    private struct Postponed {
        let fingerprint: ModelFingerprint
        var tryCount = 1
        /// Looks until the next try.
        var looksLeft = 0
    }

    /// The files that were last loaded, or refused: neither is worth another try.
    private var settled: ModelFingerprint
    /// The files as they were at the last look.
    private var last: ModelFingerprint
    private var postponed: Postponed?
    /// Set while a load that was asked for has not even begun.
    private var isDue = false

    /// After so many tries, about a minute where looks are a second apart, the reason is not expected to pass by itself.
    static let mostTries = 7
    /// Looks between two tries at most; they double from one on.
    private static let mostLooks = 64

    /// - Parameter settled: the files that need no load; none of a model that was never loaded.
    init(settled: ModelFingerprint = .none) {
        self.settled = settled
        last = settled
    }

    /// Two looks in a row must see the same change, so that a file still being copied is left alone.
    mutating func look(at current: ModelFingerprint) -> Action {
        defer { last = current }
        guard current == last else { return .rest }
        if isDue { return .load }
        if let waiting = postponed, waiting.fingerprint == current {
            postponed?.looksLeft -= 1
            return waiting.looksLeft <= 1 ? .load : .rest
        }
        return current != settled ? .load : .rest
    }

    /// Notes what became of a load.
    ///
    /// - Parameters:
    ///   - before: the files when the load began.
    ///   - after: the files when it ended; where they differ it read a mixture, and another look is due.
    mutating func didLoad(before: ModelFingerprint, after: ModelFingerprint) {
        (postponed, isDue) = (nil, false)
        if before == after { settled = after }
        last = after
    }

    /// Notes that a load was asked for when the files could not be looked at: it follows once they can.
    mutating func didNotLook() { isDue = true }

    /// Notes that files could not be read for a reason that may pass: they are tried again, at longer and longer intervals.
    ///
    /// - Returns: whether the reason has outlasted so many tries that somebody should be told; once for the same files.
    mutating func didPostpone(_ fingerprint: ModelFingerprint) -> Bool {
        var next = Postponed(fingerprint: fingerprint)
        if let postponed, postponed.fingerprint == fingerprint { next.tryCount = postponed.tryCount + 1 }
        next.looksLeft = min(1 << min(next.tryCount - 1, 16), Self.mostLooks)
        (postponed, isDue) = (next, false)
        last = fingerprint
        return next.tryCount == Self.mostTries
    }
}
