/// The state of a training, except the data and the tensors. A ``TrainingStateFile`` stores it together with the
/// tensors.
///
/// Shuffling, augmentation, dropout and initial weights have random sequences that depend only on the seed and on the
/// epoch, step or image. The seed is therefore the whole state of the random numbers.
public struct TrainingState<Settings: Codable & Sendable>: Codable, Sendable {
    /// The settings of the training, in the caller's own type.
    public var settings: Settings
    /// The seed of all random choices.
    public var seed: UInt64
    /// The position in the training.
    public var progress: TrainingProgress
    /// The optimiser and its hyperparameters.
    public var optimizer: OptimizerSettings
    /// The learning rate of each step.
    public var schedule: LearningRateSchedule
    /// The history of the finished epochs.
    public var history: History

    /// A state with these parts.
    public init(
        settings: Settings, seed: UInt64, progress: TrainingProgress, optimizer: OptimizerSettings,
        schedule: LearningRateSchedule, history: History
    ) {
        self.settings = settings
        self.seed = seed
        self.progress = progress
        self.optimizer = optimizer
        self.schedule = schedule
        self.history = history
    }

    /// - Throws: ``TrainingStateError/invalidHeader(file:reason:)`` for numbers out of range.
    func validate(file: String) throws(TrainingStateError) {
        if let flaw = progress.flaw { throw .invalidHeader(file: file, reason: "it has an invalid \(flaw)") }
        if let last = history.rows.last, last.epoch > progress.epoch {
            throw .invalidHeader(
                file: file,
                reason: "its history has epoch \(last.epoch), but the training is at epoch \(progress.epoch)")
        }
        do {
            try optimizer.validate()
            try schedule.validate()
        } catch {
            throw .invalidHeader(file: file, reason: error.description)
        }
    }
}

extension TrainingState: Equatable where Settings: Equatable {}

/// The position of a training between two steps.
public struct TrainingProgress: Codable, Equatable, Sendable {
    /// The epoch of the next step, from 1.
    public var epoch = 1
    /// The number of finished steps in the epoch.
    public var step = 0

    // Sums for the epoch's row in the history.

    /// The sum of the losses of the epoch's images so far. Units: nats.
    public var lossSum = 0.0
    /// The number of images in the epoch that were predicted correctly so far.
    public var correctCount = 0
    /// The number of images used in the epoch so far. Units: images.
    public var imageCount = 0
    /// The duration of the epoch's steps so far. Units: seconds.
    public var seconds = 0.0

    /// The validation accuracy of the best epoch, 0…1; nil before the first.
    public var bestAccuracy: Double?
    /// The number of the best epoch, whose model is kept; nil before the first.
    public var bestEpoch: Int?

    /// The position before the first step.
    public init() {}

    /// Begins the next epoch.
    public mutating func beginEpoch() {
        epoch += 1
        step = 0
        lossSum = 0
        correctCount = 0
        imageCount = 0
        seconds = 0
    }

    /// A number that is out of range, as text; nil if there is none. The numbers may come from a file.
    var flaw: String? {
        if !HistoryRow.epochs.contains(epoch) { return "epoch \(epoch)" }
        for count in [step, correctCount, imageCount] where !(0...1 << 40).contains(count) { return "count \(count)" }
        if !lossSum.isFinite { return "sum of losses \(lossSum)" }
        if !(seconds >= 0 && seconds.isFinite) { return "duration \(seconds)" }
        if let bestAccuracy, !(0...1).contains(bestAccuracy) { return "best accuracy \(bestAccuracy)" }
        if let bestEpoch, !(1...epoch).contains(bestEpoch) { return "best epoch \(bestEpoch)" }
        return nil
    }
}
