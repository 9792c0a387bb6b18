import Foundation
import Inference
import Threads

@testable import Training

// A training that takes no time: what it learns from, what watches it, and what it leaves behind.

/// Images of 8×8 pixels whose class is a tint under noise; some cannot be read.
struct Tints: Dataset {
    let count: Int
    var corrupt: Set<Int> = []
    /// Added to the labels that are told.
    var shift = 0
    let classNames = ["blue", "green", "red"]
    func label(at index: Int) -> Int { (index + shift) % 3 }
    func name(at index: Int) -> String { "tint \(index)" }
    func image(at index: Int) throws(DatasetError) -> PixelImage {
        if corrupt.contains(index) { throw .image(name: name(at: index), .empty) }
        var random = SplitMix64(seed: 5, purpose: .order, 0, index)
        let pixels = (0..<8 * 8 * 3).map { place in
            UInt8(truncatingIfNeeded: random.next() % 160) + (place % 3 == index % 3 ? 60 : 0)
        }
        return PixelImage(width: 8, height: 8, channelCount: 3, pixels: pixels)
    }
}

/// Counts, and remembers what it was told.
final class Witness: TrainingObserver {
    var steps: [TrainingStep] = []
    var rows: [(row: HistoryRow, isBest: Bool)] = []
    var onStep: () -> Void = {}
    var onValidation: () -> Void = {}
    func didStep(_ step: TrainingStep) {
        steps.append(step)
        onStep()
    }
    func didValidate(_ count: Int, of total: Int) { onValidation() }
    func didEndEpoch(_ row: HistoryRow, isBest: Bool) { rows.append((row, isBest)) }
    /// The epochs after which it was said that nothing is learnt.
    var chances: [Int] = []
    func didStayAtChance(_ chance: ChanceLevel, _ row: HistoryRow) { chances.append(row.epoch) }
}

/// What a training is made of, and changed by the tests.
struct Recipe {
    var settings = TrainingSettings(
        architecture: "tiny", preprocessing: "unit", data: "tints", dataDigest: "1234")
    var optimizer = OptimizerSettings(.adam)
    var form = LearningRateSchedule.Form.constant
    var base = 0.01
    var training = Tints(count: 23)
    var validation = Tints(count: 12)
    var threadCount = 2
    var type = ScalarType.float32

    init() {
        settings.epochs = 3
        settings.batchSize = 5
        settings.seed = 11
        settings.averageDecay = 0.9
        settings.clipNorm = 2
        settings.labelSmoothing = 0.1
    }

    private static func network(workers: WorkerPool) throws -> Network {
        let parameters = Parameters([("conv.weight", [4, 3, 3, 3]), ("fc.weight", [3, 36])])
        Initialization.pytorch.fill(parameters, seed: 3, workers: workers)
        let tensors = parameters.entries.map { parameters.tensor($0) }
        return try Network(
            inputShape: [3, 8, 8],
            chain: [
                ("conv", Conv2d(weight: tensors[0], bias: Tensor([4], scalars: [0, 0, 0, 0]))), ("relu", ReLU()),
                ("pool", MaxPool2d(kernelSize: 2, stride: 2)), ("flatten", Flatten()),
                ("drop", Dropout(probability: 0.3)),
                ("fc", Linear(weight: tensors[1], bias: Tensor([3], scalars: [0, 0, 0]))),
            ])
    }

    func trainer(
        _ folder: TrainingFolder, onUnreadable: @escaping @Sendable (DatasetError) -> Void = { _ in }
    ) throws -> Trainer {
        let workers = WorkerPool(threadCount: threadCount)
        let batchSize = max(settings.batchSize, 1)
        let schedule = try LearningRateSchedule(
            form, base: base, epochCount: settings.epochs,
            stepsPerEpoch: (training.count + batchSize - 1) / batchSize)
        try folder.create()
        return try Trainer(
            try Self.network(workers: workers), settings: settings, optimizer: optimizer, schedule: schedule,
            parts: DataSource.Parts(training: training, validation: validation, digest: "1234"),
            preprocessing: .preset(.unit, input: [3, 8, 8]), folder: folder, workers: workers,
            onUnreadable: onUnreadable)
    }

    /// Trains from the beginning, or on from the folder's state, until it ends or that many steps were taken.
    @discardableResult
    func run(
        in folder: TrainingFolder, resuming: Bool = false, stepLimit: Int = .max,
        saveInterval: Duration = .seconds(600)
    ) throws -> Trainer.Outcome {
        let trainer = try trainer(folder)
        if resuming {
            try trainer.resume(from: try TrainingStateFile<TrainingSettings>(contentsOf: folder.statePath))
        }
        let witness = Witness()
        return try trainer.run(observer: witness, saveInterval: saveInterval) { witness.steps.count >= stepLimit }
    }
}

/// All that a training leaves behind, but for what a clock decides.
struct Remains: Equatable {
    var checkpoint: Data?
    var tensors: [String: [UInt32]]
    var state: TrainingState<TrainingSettings>

    init(_ folder: TrainingFolder) throws {
        checkpoint = FileManager.default.contents(atPath: folder.path + "/" + folder.checkpointName)
        let file = try Checkpoint(contentsOf: folder.statePath)
        tensors = Dictionary(
            uniqueKeysWithValues: file.tensors.map { ($0.name, $0.tensor.tensor().scalars.map(\.bitPattern)) })
        state = try TrainingStateFile<TrainingSettings>(contentsOf: folder.statePath).state
        var history = History()
        for row in state.history.rows { history.append(Self.withoutTimes(row)) }
        state.history = history
        state.progress.seconds = 0
    }

    static func withoutTimes(_ row: HistoryRow) -> HistoryRow {
        HistoryRow(
            epoch: row.epoch, trainLoss: row.trainLoss, trainAccuracy: row.trainAccuracy,
            validationLoss: row.validationLoss, validationAccuracy: row.validationAccuracy,
            learningRate: row.learningRate, imagesPerSecond: 0, seconds: 0)
    }
}
