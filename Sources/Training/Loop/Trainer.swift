import Inference
import Threads

/// The training loop: trains a network on a data set, epoch by epoch, and keeps the best epoch as a servable model.
///
/// Shuffling, augmentation and dropout depend only on the seed and the position in the training, and every sum has a
/// fixed order. A training that was stopped therefore continues bit for bit, on any number of threads.
public final class Trainer {
    /// How a training ended.
    public enum Outcome: Sendable, Equatable {
        /// All epochs are done.
        case finished
        /// The training was stopped and can be resumed.
        case stopped
    }

    private let learner: TrainableNetwork
    private let optimizer: any Optimizer
    private let average: ExponentialMovingAverage?
    private let clipping: GradientClipping?
    private let parts: DataSource.Parts
    private let chance: ChanceLevel
    private let trainingLoader: BatchLoader
    private let validationLoader: BatchLoader
    private let folder: TrainingFolder
    private let workers: WorkerPool
    private var state: TrainingState<TrainingSettings>
    /// Whether a state has been written from which this training can be resumed.
    private var isStateWritten = false
    /// The history of the finished epochs.
    public var history: History { state.history }

    /// A new training that starts with the network's current parameters.
    ///
    /// - Parameter onUnreadable: called once for each image that cannot be read.
    /// - Throws: ``TrainingError`` if the settings do not fit the network or the data.
    public init(
        _ network: Network, settings: TrainingSettings, optimizer optimizerSettings: OptimizerSettings,
        schedule: LearningRateSchedule, parts: DataSource.Parts, preprocessing: Preprocessing,
        folder: TrainingFolder, workers: WorkerPool,
        onUnreadable: @escaping @Sendable (DatasetError) -> Void
    ) throws(TrainingError) {
        try settings.validate()
        guard settings.batchSize <= parts.training.count else {
            throw .batchTooLarge(batchSize: settings.batchSize, imageCount: parts.training.count)
        }
        guard let preset = Augmentation.Preset(rawValue: settings.augmentation) else {
            throw .unknownSetting(name: "augmentation", value: settings.augmentation)
        }
        learner = try TrainableNetwork(
            network, maxBatchSize: settings.batchSize, frozen: Set(settings.frozen), workers: workers)
        optimizer = optimizerSettings.makeOptimizer(count: learner.parameters.count)
        average = settings.averageDecay.map { [learner] in ExponentialMovingAverage(of: learner.parameters, decay: $0) }
        clipping = settings.clipNorm.map { GradientClipping(maxNorm: $0) }
        self.parts = parts
        chance = ChanceLevel(
            labels: (0..<parts.training.count).lazy.map(parts.training.label),
            classCount: parts.training.classNames.count, smoothing: settings.labelSmoothing)
        self.folder = folder
        self.workers = workers
        state = TrainingState(
            settings: settings, seed: settings.seed, progress: TrainingProgress(), optimizer: optimizerSettings,
            schedule: schedule, history: History())
        func loader(_ dataset: any Dataset, _ augmentation: Augmentation) -> BatchLoader {
            BatchLoader(
                dataset, batchSize: settings.batchSize, augmentation: augmentation, preprocessing: preprocessing,
                seed: settings.seed, pool: workers, onUnreadable: onUnreadable)
        }
        let components: ColourPCA? =
            preset == .paper ? ColourPCA(of: parts.training, seed: settings.seed) : nil
        trainingLoader = loader(parts.training, Augmentation(preset, components: components ?? .imageNet))
        validationLoader = loader(parts.validation, Augmentation())
    }

    /// Restores the state of a training; see ``InitialNetwork`` for its network.
    ///
    /// - Throws: ``TrainingError/state(_:)`` if the file is of another training.
    public func resume(from file: TrainingStateFile<TrainingSettings>) throws(TrainingError) {
        do {
            try file.restore(learner.parameters, optimizer: optimizer, movingAverage: average)
        } catch {
            throw .state(error)
        }
        let (settings, schedule) = (state.settings, state.schedule)
        state = file.state
        // The user may have asked for more epochs in the meantime.
        state.settings = settings
        state.schedule = schedule
        state.schedule.resume(file.state.schedule.plateau)
        isStateWritten = true
    }

    /// Trains until all epochs are done or `shouldStop` returns true. Call it on one of the pool's threads.
    ///
    /// - Parameters:
    ///   - saveInterval: how often the state is written within an epoch. A crash loses at most this much work.
    ///   - shouldStop: asked before each step.
    /// - Throws: ``TrainingError``; the best model and the last state stay on disk.
    public func run(
        observer: any TrainingObserver, saveInterval: Duration = .seconds(600), shouldStop: () -> Bool
    ) throws(TrainingError) -> Outcome {
        let lock = try FolderLock(folder: folder.path)
        defer { withExtendedLifetime(lock) {} }
        // Saving at the start limits what a crash in the first minutes can lose. It also reports a full disk before the
        // work.
        if !isStateWritten { try save() }
        var lastSave = ContinuousClock.now
        let sampler = EpochSampler(count: parts.training.count, seed: state.settings.seed)
        while state.progress.epoch <= state.settings.epochs {
            let order = sampler.order(epoch: state.progress.epoch)
            let batches = trainingLoader.batches(
                order: order, epoch: state.progress.epoch, from: state.progress.step)
            var clock = ContinuousClock.now
            while !shouldStop() {
                guard let batch = batches.next() else { break }
                try step(batch)
                let now = ContinuousClock.now
                state.progress.seconds += (now - clock) / .seconds(1)
                clock = now
                observer.didStep(shownStep)
                if now - lastSave >= saveInterval {
                    try save()
                    lastSave = .now
                    clock = .now
                }
            }
            if !shouldStop() { try endEpoch(observer, shouldStop: shouldStop) }
            if shouldStop() {
                try save()
                return .stopped
            }
            lastSave = .now
        }
        return .finished
    }

    private var shownStep: TrainingStep {
        TrainingStep(
            epoch: state.progress.epoch, number: state.progress.step, countPerEpoch: state.schedule.stepsPerEpoch,
            imageCount: state.progress.imageCount, imagesPerEpoch: parts.training.count,
            loss: state.progress.lossSum / Double(max(state.progress.imageCount, 1)),
            learningRate: state.schedule.rate(at: globalStep - 1))
    }

    /// The number of steps in all epochs so far.
    private var globalStep: Int {
        (state.progress.epoch - 1) * state.schedule.stepsPerEpoch + state.progress.step
    }

    private func step(_ batch: Batch) throws(TrainingError) {
        guard let images = batch.scalars.baseAddress else { return }
        // A batch without readable images is skipped, but its number counts.
        state.progress.step = batch.number
        var generator = SplitMix64(seed: state.settings.seed, purpose: .dropout, globalStep)
        let (loss, correct) = learner.gradients(
            images: images, labels: batch.labels, smoothing: Float(state.settings.labelSmoothing),
            seed: generator.next())
        let ranges = learner.trainableRanges
        let norm = clipping?.norm(learner.parameters, ranges: ranges, workers: workers)
        guard loss.isFinite, norm?.isFinite ?? true else {
            throw .diverged(epoch: state.progress.epoch, step: batch.number + 1, loss: loss)
        }
        optimizer.step(
            learner.parameters, ranges: ranges, learningRate: state.schedule.rate(at: globalStep),
            gradientScale: norm.flatMap { norm in clipping?.scale(norm: norm) } ?? 1, workers: workers)
        average?.update(with: learner.parameters, ranges: ranges, workers: workers)
        state.progress.step = batch.number + 1
        state.progress.lossSum += loss * Double(batch.count)
        state.progress.correctCount += correct
        state.progress.imageCount += batch.count
    }

    /// Validates, saves and ends the epoch. If the training is stopped during validation, the epoch stays at its last
    /// step.
    private func endEpoch(_ observer: any TrainingObserver, shouldStop: () -> Bool) throws(TrainingError) {
        let progress = state.progress
        guard progress.imageCount > 0 else { throw .nothingReadable }
        // The moving average is what is kept, so it is what is validated.
        average?.exchange(with: learner.parameters)
        defer { average?.exchange(with: learner.parameters) }
        let start = ContinuousClock.now
        guard let validation = try validate(observer, shouldStop: shouldStop) else { return }
        guard validation.loss.isFinite else {
            throw .diverged(epoch: progress.epoch, step: progress.step, loss: validation.loss)
        }
        let row = HistoryRow(
            epoch: progress.epoch, trainLoss: progress.lossSum / Double(progress.imageCount),
            trainAccuracy: Double(progress.correctCount) / Double(progress.imageCount),
            validationLoss: validation.loss, validationAccuracy: validation.top1,
            learningRate: state.schedule.rate(at: globalStep - 1),
            imagesPerSecond: Double(progress.imageCount) / progress.seconds,
            seconds: progress.seconds + (.now - start) / .seconds(1))
        state.history.append(row)
        state.schedule.endEpoch(validationLoss: validation.loss)
        // The comparison is with the epoch whose weights were kept. That may differ from the history's best epoch:
        // earlier versions kept the first of epochs with equal accuracy.
        let kept = progress.bestEpoch.flatMap { state.history[epoch: $0] }
        let isBest = kept.map(row.isBetter(than:)) ?? (validation.top1 > progress.bestAccuracy ?? -1)
        if isBest {
            state.progress.bestAccuracy = validation.top1
            state.progress.bestEpoch = progress.epoch
            try folder.write(
                learner.parameters.entries.map { ($0.name, learner.parameters.tensor($0)) },
                classNames: parts.training.classNames, settings: state.settings, optimizer: state.optimizer,
                schedule: state.schedule, row: row)
        }
        try folder.write(state.history)
        observer.didEndEpoch(row, isBest: isBest)
        if chance.isReached(
            by: state.history, stepsPerEpoch: state.schedule.stepsPerEpoch, isLast: row.epoch == state.settings.epochs)
        {
            observer.didStayAtChance(chance, row)
        }
        state.progress.beginEpoch()
        average?.exchange(with: learner.parameters)
        defer { average?.exchange(with: learner.parameters) }
        try save()
    }

    private func save() throws(TrainingError) {
        do {
            try TrainingStateFile.write(
                state, learner.parameters, optimizer: optimizer, movingAverage: average, to: folder.statePath)
            isStateWritten = true
        } catch .notFinite {
            // The last step made a parameter infinite or NaN, which the next step's loss would show.
            throw .diverged(epoch: state.progress.epoch, step: state.progress.step, loss: .nan)
        } catch {
            throw .state(error)
        }
    }

    /// Evaluates the validation part with the engine that also serves; nil if it is stopped.
    private func validate(
        _ observer: any TrainingObserver, shouldStop: () -> Bool
    ) throws(TrainingError) -> Evaluation? {
        let engine = Engine(network: learner.currentNetwork(), workers: workers)
        let count = parts.validation.count
        var evaluation = Evaluation(classCount: parts.validation.classNames.count)
        for batch in validationLoader.batches(order: Array(0..<count), epoch: 0) {
            if shouldStop() { return nil }
            for (logits, label) in zip(engine(batch.tensor.slices), batch.labels) {
                evaluation.add(logits: logits, label: label)
            }
            observer.didValidate(evaluation.count, of: count)
        }
        guard evaluation.count > 0 else { throw .nothingReadable }
        return evaluation
    }
}

/// Observes a training, for a progress bar, a log or a test.
public protocol TrainingObserver: AnyObject {
    /// Called after each step.
    func didStep(_ step: TrainingStep)
    /// Called after each validation batch with the number of images done so far. Units: images.
    func didValidate(_ count: Int, of total: Int)
    /// Called after each epoch. `isBest` is true if its model was kept.
    func didEndEpoch(_ row: HistoryRow, isBest: Bool)
    /// Called once, after an epoch, if the loss has been at chance level for several epochs.
    func didStayAtChance(_ chance: ChanceLevel, _ row: HistoryRow)
}

/// The progress of a training after one step.
public struct TrainingStep: Sendable, Equatable {
    /// The epoch's number, from 1.
    public let epoch: Int
    /// The step's number in the epoch, from 1.
    public let number: Int
    /// The number of steps in an epoch.
    public let countPerEpoch: Int
    /// The number of images used in the epoch so far. Units: images.
    public let imageCount: Int
    /// The number of images in an epoch. Units: images.
    public let imagesPerEpoch: Int
    /// The mean training loss of the epoch so far. Units: nats.
    public let loss: Double
    /// The learning rate of this step.
    public let learningRate: Double
}
