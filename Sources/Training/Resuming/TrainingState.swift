/// All that a training needs to go on, except the data and the numbers of each parameter: those lie beside this in a
/// ``TrainingStateFile``.
///
/// Shuffling, augmentation, dropout and initial weights draw from streams that belong to the seed and to the epoch, step or
/// image, so the seed is all the state that chance has.
public struct TrainingState<Settings: Codable & Sendable>: Codable, Sendable {
    /// What the training was started with, as its caller describes it.
    public var settings: Settings
    public var seed: UInt64
    public var progress: TrainingProgress
    public var optimizer: OptimizerSettings
    public var schedule: LearningRateSchedule
    /// The epochs that are over.
    public var history: History

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

    /// - Throws: ``TrainingStateError`` for numbers that no training has.
    func validate(file: String) throws(TrainingStateError) {
        if let flaw = progress.flaw { throw .invalidHeader(file: file, reason: "it tells of \(flaw)") }
        if let last = history.rows.last, last.epoch > progress.epoch {
            throw .invalidHeader(
                file: file, reason: "its history has epoch \(last.epoch), but it is at epoch \(progress.epoch)")
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

/// Where a training is, between two steps.
public struct TrainingProgress: Codable, Equatable, Sendable {
    /// The epoch that the next step belongs to, from 1.
    public var epoch = 1
    /// How many of its steps were taken.
    public var step = 0

    // What the epoch's row of the history is made of.

    /// The sum of its images' losses so far.
    public var lossSum = 0.0
    /// How many of its images were told right so far.
    public var correctCount = 0
    /// How many of its images were seen so far.
    public var imageCount = 0
    /// How long it has taken so far.
    public var seconds = 0.0

    /// The best validation accuracy of all epochs; nil before the first.
    public var bestAccuracy: Double?
    /// The epoch it came from.
    public var bestEpoch: Int?

    /// Before the first step.
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

    /// What is wrong with numbers from a file, or nil.
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
