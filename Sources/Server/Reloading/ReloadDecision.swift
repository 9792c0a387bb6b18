import Inference

/// Decides when changed files are ready to be loaded: once they have stopped changing.
struct ReloadDecision {
    /// What to do after a look at the files.
    enum Action: Equatable {
        case rest
        case load
    }

    /// The files that were last loaded, or refused: neither is worth another try.
    private var settled: ModelFingerprint
    /// The files as they were at the last look.
    private var last: ModelFingerprint

    /// - Parameter settled: the files that need no load; none of a model that was never loaded.
    init(settled: ModelFingerprint = .none) {
        self.settled = settled
        last = settled
    }

    /// Two looks in a row must see the same change, so that a file still being copied is left alone.
    mutating func look(at current: ModelFingerprint) -> Action {
        defer { last = current }
        return current != settled && current == last ? .load : .rest
    }

    /// Notes what became of a load.
    ///
    /// - Parameters:
    ///   - before: the files when the load began.
    ///   - after: the files when it ended; where they differ it read a mixture, and another look is due.
    mutating func didLoad(before: ModelFingerprint, after: ModelFingerprint) {
        if before == after { settled = after }
        last = after
    }
}
