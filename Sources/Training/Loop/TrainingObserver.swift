/// Watches a training: for a bar, a log, a test.
public protocol TrainingObserver: AnyObject {
    /// A step was taken.
    func didStep(_ step: TrainingStep)
    /// Validation has come so far. Units: pictures.
    func didValidate(_ count: Int, of total: Int)
    /// An epoch is over.
    func didEndEpoch(_ row: HistoryRow, isBest: Bool)
    /// For some epochs the loss has been that of guessing: told once, after the epoch's end.
    func didStayAtChance(_ chance: ChanceLevel, _ row: HistoryRow)
}

/// One step of a training, as it is shown.
public struct TrainingStep: Sendable, Equatable {
    /// From 1.
    public let epoch: Int
    /// From 1.
    public let number: Int
    public let countPerEpoch: Int
    /// Pictures of this epoch that were seen so far.
    public let imageCount: Int
    /// The pictures of an epoch.
    public let imagesPerEpoch: Int
    /// The mean over this epoch so far.
    public let loss: Double
    public let learningRate: Double
}
