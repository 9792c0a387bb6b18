/// All that a training needs to go on, except the data and the numbers of each parameter: those lie beside this in a
/// ``TrainingStateFile``.
///
/// Shuffling, augmentation, dropout and initial weights draw from streams that belong to the seed and to the epoch, step or
/// picture, so the seed is all the state that chance has.
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
