import Foundation
import Inference
import Threads
import Training

/// A training that is ready to run, and what is printed about it.
final class TrainingTask: @unchecked Sendable {  // guard: made, run and read by one thread after the other
    private let trainer: Trainer
    private let settings: TrainingSettings
    private let optimizer: OptimizerSettings
    private let schedule: LearningRateSchedule
    private let parts: DataSource.Parts
    private let network: Network
    private let notes: [String]

    private init(
        trainer: Trainer, settings: TrainingSettings, optimizer: OptimizerSettings, schedule: LearningRateSchedule,
        parts: DataSource.Parts, network: Network, notes: [String]
    ) {
        self.trainer = trainer
        self.settings = settings
        self.optimizer = optimizer
        self.schedule = schedule
        self.parts = parts
        self.network = network
        self.notes = notes
    }

    /// Why a training cannot start.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Prepares a new training.
    static func beginning(_ command: Train, _ workers: WorkerPool) throws -> TrainingTask {
        let folder = TrainingFolder(command.output, scalarType: command.type ?? .float32)
        for path in [folder.statePath, folder.path + "/model.json"] where !command.force {
            guard !FileManager.default.fileExists(atPath: path) else {
                throw Refusal(
                    description:
                        "\(path) exists already: continue with --resume, start over with --force, or name another "
                        + "--output")
            }
        }
        let options = command.learning
        let seed = options.seed ?? 0
        let source = try DataSource(command.data.data ?? "")
        let parts = try source.load(validationSplit: command.data.validationSplit, seed: seed)
        let classCount = parts.training.classNames.count
        if let expected = command.data.classes, expected != classCount {
            throw Refusal(
                description:
                    "the data have \(classCount) classes (\(parts.training.classNames.prefix(5).joined(separator: ", "))"
                    + "\(classCount > 5 ? ", …" : "")), but --classes expects \(expected)")
        }
        let initial = try initialNetwork(command.network, classNames: parts.training.classNames)
        let preprocessing = command.network.preprocessing ?? initial.usualPreprocessing
        let initialization = command.network.initialization ?? initial.usualInitialization
        var settings = TrainingSettings(
            architecture: initial.architecture, preprocessing: preprocessing.rawValue, data: command.data.data ?? "",
            dataDigest: parts.digest)
        settings.validationSplit = command.data.validationSplit
        if let preset = command.data.augmentation { settings.augmentation = preset.rawValue }
        if let epochs = options.epochs { settings.epochs = epochs }
        settings.batchSize =
            options.batchSize
            ?? TrainingDefaults.batchSize(imageCount: parts.training.count, isRateGiven: options.lr != nil)
        settings.seed = seed
        settings.initialization = initialization.rawValue
        settings.initialCheckpoint = command.network.initFrom
        settings.fromScratch = command.network.initFrom == nil ? [] : initial.fresh
        settings.frozen = try initial.layers(named: TrainingNetworkOptions.names(command.network.freeze))
        settings.labelSmoothing = options.labelSmoothing ?? 0
        settings.clipNorm = options.clipNorm
        settings.averageDecay = options.ema
        settings.scalarType = command.type?.rawValue
        let optimizer = try options.optimizerSettings()
        let stepsPerEpoch = (parts.training.count + settings.batchSize - 1) / settings.batchSize
        let schedule = try options.makeSchedule(
            defaultRate: TrainingDefaults.learningRate(optimizer.kind, architecture: settings.architecture),
            epochs: settings.epochs, stepsPerEpoch: stepsPerEpoch)
        let network = initial.initialized(initialization, seed: seed, workers: workers)
        let trainer = try makeTrainer(
            network, settings, optimizer, schedule, parts, preprocessing, folder, workers)
        var notes = initial.notes.map { "Note: \($0)" }
        if !settings.fromScratch.isEmpty {
            notes.append(
                "Initialised: \(settings.fromScratch.joined(separator: ", ")); all other layers are from "
                    + "\(settings.initialCheckpoint ?? "").")
        }
        notes += validationNotes(settings, source, parts)
        return TrainingTask(
            trainer: trainer, settings: settings, optimizer: optimizer, schedule: schedule, parts: parts,
            network: network, notes: notes)
    }

    /// Sentences about data leakage: validation images that the network is trained on, or was trained on before.
    private static func validationNotes(
        _ settings: TrainingSettings, _ source: DataSource, _ parts: DataSource.Parts
    ) -> [String] {
        var notes: [String] = []
        if let shared = source.leakage(parts), shared.count > 0 {
            notes.append(
                "Note: \(shared.count) of the \(parts.validation.count) validation images are also training images "
                    + "(\(shared.example ?? "")): the validation accuracy will look better than it is.")
        }
        if let path = settings.initialCheckpoint, let record = TrainingRecord(checkpoint: path),
            record.dataDigest == parts.digest,
            (record.seed, record.validationSplit) != (settings.seed, settings.validationSplit)
        {
            let split = record.validationSplit.map { " --validation-split \($0)" } ?? ""
            notes.append(
                "Note: \(path) was trained on these data with other images held out, so it has learnt from some of the "
                    + "validation images: the validation accuracy will look better than it is; --seed "
                    + "\(record.seed)\(split) holds out the same images.")
        }
        return notes
    }

    /// Prepares the continuation of a stopped training.
    static func resuming(_ command: Train, _ workers: WorkerPool) throws -> TrainingTask {
        let statePath = TrainingFolder(command.output).statePath
        guard FileManager.default.fileExists(atPath: statePath) else {
            throw Refusal(description: "there is nothing to resume: \(command.output) has no training.resume")
        }
        let file = try TrainingStateFile<TrainingSettings>(contentsOf: statePath)
        var settings = file.state.settings
        guard let scalarType = ScalarType(rawValue: settings.scalarType ?? ScalarType.float32.rawValue) else {
            throw TrainingError.unknownSetting(name: "type", value: settings.scalarType ?? "")
        }
        let folder = TrainingFolder(command.output, scalarType: scalarType)
        let parts = try DataSource(command.data.data ?? settings.data)
            .load(validationSplit: settings.validationSplit, seed: settings.seed)
        guard parts.digest == settings.dataDigest else {
            throw Refusal(
                description:
                    "the data have changed since the training was started, so it cannot be resumed; start over with "
                    + "--force, or from its checkpoint with --init-from")
        }
        if let epochs = command.learning.epochs { settings.epochs = epochs }
        guard let preprocessing = Preprocessing.Preset(rawValue: settings.preprocessing) else {
            throw TrainingError.unknownSetting(name: "preprocessing", value: settings.preprocessing)
        }
        let old = file.state.schedule
        let schedule = try LearningRateSchedule(
            old.form, base: old.base, warmupStepCount: old.warmupStepCount, epochCount: settings.epochs,
            stepsPerEpoch: old.stepsPerEpoch)
        let initial = try InitialNetwork(file, path: statePath)
        let trainer = try makeTrainer(
            initial.network, settings, file.state.optimizer, schedule, parts, preprocessing, folder, workers)
        try trainer.resume(from: file)
        let progress = file.state.progress
        let note =
            progress.epoch > settings.epochs
            ? "All \(settings.epochs) epochs are done; for more use --epochs."
            : "Resumes in epoch \(progress.epoch) after step \(progress.step)."
        return TrainingTask(
            trainer: trainer, settings: settings, optimizer: file.state.optimizer, schedule: schedule, parts: parts,
            network: initial.network, notes: [note])
    }

    private static func initialNetwork(
        _ options: TrainingNetworkOptions, classNames: [String]
    ) throws -> InitialNetwork {
        guard let path = options.initFrom else {
            return try InitialNetwork(
                architecture: options.model ?? "alexnet_half_width", classCount: classNames.count)
        }
        return try InitialNetwork(
            try Checkpoint(contentsOf: path), architecture: options.model, classNames: classNames,
            checkpointClasses: TrainingRecord.classNames(besideCheckpoint: path),
            fromScratch: Set(TrainingNetworkOptions.names(options.fromScratch)))
    }

    private static func makeTrainer(
        _ network: Network, _ settings: TrainingSettings, _ optimizer: OptimizerSettings,
        _ schedule: LearningRateSchedule, _ parts: DataSource.Parts, _ preset: Preprocessing.Preset,
        _ folder: TrainingFolder, _ workers: WorkerPool
    ) throws -> Trainer {
        let trainer = try Trainer(
            network, settings: settings, optimizer: optimizer, schedule: schedule, parts: parts,
            preprocessing: .preset(preset, input: network.inputShape), folder: folder, workers: workers,
            onUnreadable: { error in
                let start = isatty(STDERR_FILENO) == 0 ? "" : "\r\u{1B}[K"
                OutputStream.error.writeIfPossible("\(start)alexnet: left out: \(error)\n")
            })
        // The folder is created last, so that a training that cannot start leaves nothing behind.
        try folder.create()
        return trainer
    }

    /// Prints which network is trained on which data.
    func describe() {
        OutputStream.error.report(parts.ignored)
        print(
            "\(settings.architecture), \(network.parameterCount) parameters; \(parts.training.count) training images, "
                + "\(parts.validation.count) validation images, \(parts.training.classNames.count) classes; "
                + "\(optimizer.kind.rawValue), learning rate \(schedule.base), batch size \(settings.batchSize)")
        notes.forEach { print($0) }
        // Flushes, so that a reader of a pipe gets the lines immediately.
        fflush(nil)
    }

    /// What to try if the loss stays at chance level.
    private var advice: String {
        let usual = TrainingDefaults.learningRate(optimizer.kind, architecture: settings.architecture)
        return LearningAdvice(optimizer.kind, rate: schedule.base, usual: usual).text
    }

    /// Runs the training and prints its progress.
    func run(saveInterval: Duration, _ interruption: Interruption) -> Result<Trainer.Outcome, TrainingError> {
        let printer = TrainingPrinter(epochCount: settings.epochs, advice: advice)
        return Result { () throws(TrainingError) in
            defer { printer.clear() }
            return try trainer.run(
                observer: printer, saveInterval: saveInterval, shouldStop: { interruption.isRequested })
        }
    }
}
