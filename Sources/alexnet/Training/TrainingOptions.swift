import ArgumentParser
import Foundation
import Inference
import Training

/// What `alexnet train` learns from.
struct TrainingDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A folder with one folder a class, or fashion-mnist:DIR, mnist:DIR, cifar10:DIR, cifar100:DIR.",
            valueName: "source"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The share held out for validation (default: the data's own test or val part, else 0.1).",
            valueName: "share"))
    var validationSplit: Double?

    @Option(
        help: ArgumentHelp(
            "How images are changed at random: none, tutorial (random resized crops, mirrored), paper (random "
                + "224 crops of 256, mirrored, colours shifted) or product (moved, mirrored, inverted, on backgrounds).",
            valueName: "preset"))
    var augmentation: Augmentation.Preset?

    @Option(help: ArgumentHelp("How many classes there should be, to be told of a mistake early.", valueName: "n"))
    var classes: Int?

    /// The options that were given, but for --data: a folder may have moved.
    var given: [String] {
        let given: [(String, Bool)] = [
            ("--validation-split", validationSplit != nil), ("--augmentation", augmentation != nil),
            ("--classes", classes != nil),
        ]
        return given.filter(\.1).map(\.0)
    }

    func validate() throws {
        if let validationSplit, !(validationSplit > 0 && validationSplit < 1) {
            throw ValidationError("--validation-split takes a number above 0 and below 1, not \(validationSplit).")
        }
    }
}

/// What `alexnet train` trains.
struct TrainingNetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The architecture: \(InitialNetwork.architectures.joined(separator: ", ")) (default: that of --init-from, else "
                + "alexnet_half_width).",
            valueName: "architecture"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "How an image becomes the network's input: stretch, imagenet, caffe or unit (default: the usual way of the "
                + "architecture).",
            valueName: "preset"))
    var preprocessing: Preprocessing.Preset?

    @Option(
        name: .customLong("init"),
        help: ArgumentHelp(
            "How weights begin: pytorch, kaiming or paper (default: the usual way of the architecture).",
            valueName: "way"))
    var initialization: Initialization?

    @Option(help: ArgumentHelp("A checkpoint to begin with.", valueName: "file"))
    var initFrom: String?

    @Option(help: ArgumentHelp("Layers, or parts as classifier, that begin anew all the same.", valueName: "layer,…"))
    var fromScratch: String?

    @Option(help: ArgumentHelp("Layers, or parts as features, that stay as they are.", valueName: "layer,…"))
    var freeze: String?

    func validate() throws {
        if let model, !InitialNetwork.architectures.contains(model) {
            throw ValidationError(
                "\(TrainingError.unknownArchitecture(name: model, known: InitialNetwork.architectures)).")
        }
        if fromScratch != nil, initFrom == nil {
            throw ValidationError("--from-scratch names layers that do not begin with --init-from; give that too.")
        }
    }

    /// The names of a list.
    static func names(_ list: String?) -> [String] {
        (list ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// The options that were given.
    var given: [String] {
        [
            ("--model", model), ("--preprocessing", preprocessing?.rawValue), ("--init", initialization?.rawValue),
            ("--init-from", initFrom), ("--from-scratch", fromScratch), ("--freeze", freeze),
        ].filter { $0.1 != nil }.map(\.0)
    }
}

/// How `alexnet train` learns.
struct LearningOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How often all images are seen (default: 10).", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "Images in one step (default: 64; without --lr fewer where there are less than 640 images).",
            valueName: "n"))
    var batchSize: Int?

    @Option(
        name: [.customLong("lr"), .customLong("learning-rate")],
        help: ArgumentHelp(
            "The learning rate (default: adam and adamw 2e-4 for alexnet_half_width and 1e-4 for the others, adagrad "
                + "1e-2, else 1e-3).",
            valueName: "rate"))
    var lr: Double?

    @Option(help: ArgumentHelp("sgd, momentum, nesterov, adagrad, adam or adamw (default: adam).", valueName: "name"))
    var optimizer: OptimizerSettings.Kind?

    @Option(help: ArgumentHelp("Momentum (default: 0.9), where the optimiser has one.", valueName: "share"))
    var momentum: Double?

    @Option(help: ArgumentHelp("Weight decay (default: 0; adamw: 0.01).", valueName: "share"))
    var weightDecay: Double?

    @Option(
        help: ArgumentHelp(
            "constant, step (tenfold less every --step-epochs), plateau (tenfold less where validation stalls, as in "
                + "the paper) or cosine (default: constant).",
            valueName: "name"))
    var schedule: ScheduleName?

    @Option(help: ArgumentHelp("For --schedule step (default: a third of the epochs).", valueName: "n"))
    var stepEpochs: Int?

    @Option(help: ArgumentHelp("For --schedule plateau: epochs without progress (default: 2).", valueName: "n"))
    var patience: Int?

    @Option(help: ArgumentHelp("Epochs over which the rate rises to --lr (default: 0).", valueName: "n"))
    var warmup: Double?

    @Option(help: ArgumentHelp("The largest norm of all gradients together (default: any).", valueName: "norm"))
    var clipNorm: Double?

    @Option(help: ArgumentHelp("Keep a moving average of the weights, as 0.999 (default: none).", valueName: "decay"))
    var ema: Double?

    @Option(help: ArgumentHelp("What the right class cedes to all others (default: 0).", valueName: "share"))
    var labelSmoothing: Double?

    @Option(help: ArgumentHelp("Decides all that is random (default: 0).", valueName: "n"))
    var seed: UInt64?

    /// The names of the schedules.
    enum ScheduleName: String, ExpressibleByArgument, CaseIterable {
        case constant, step, plateau, cosine
    }

    func validate() throws {
        if let epochs, !(1...1_000_000 ~= epochs) {
            throw ValidationError("--epochs takes 1 to 1000000, not \(epochs).")
        }
        if let batchSize, !TrainingSettings.batchSizes.contains(batchSize) {
            throw ValidationError("--batch-size takes 1 to 4096, not \(batchSize).")
        }
        if let ema, !(0..<1 ~= ema) { throw ValidationError("--ema takes a number from 0 to less than 1, not \(ema).") }
        if let labelSmoothing, !(0..<1 ~= labelSmoothing) {
            throw ValidationError("--label-smoothing takes a number from 0 to less than 1, not \(labelSmoothing).")
        }
        if let clipNorm, !(clipNorm > 0) {
            throw ValidationError("--clip-norm takes a number above 0, not \(clipNorm).")
        }
        if let warmup, !(0...1e6 ~= warmup) {
            throw ValidationError("--warmup takes a number of epochs from 0 on, not \(warmup).")
        }
        if stepEpochs != nil, schedule != .step { throw ValidationError("--step-epochs belongs to --schedule step.") }
        if patience != nil, schedule != .plateau { throw ValidationError("--patience belongs to --schedule plateau.") }
        do throws(HyperparameterError) {
            // Whatever the data, these numbers must make sense.
            let kind = try optimizerSettings().kind
            _ = try makeSchedule(defaultRate: kind.learningRate, epochs: epochs ?? 1, stepsPerEpoch: 1)
        } catch {
            throw ValidationError("\(error.description).")
        }
    }

    /// The options that were given, but for --epochs: more of them may follow.
    var given: [String] {
        let given: [(String, Bool)] = [
            ("--batch-size", batchSize != nil), ("--lr", lr != nil), ("--optimizer", optimizer != nil),
            ("--momentum", momentum != nil), ("--weight-decay", weightDecay != nil), ("--schedule", schedule != nil),
            ("--step-epochs", stepEpochs != nil), ("--patience", patience != nil), ("--warmup", warmup != nil),
            ("--clip-norm", clipNorm != nil), ("--ema", ema != nil), ("--label-smoothing", labelSmoothing != nil),
            ("--seed", seed != nil),
        ]
        return given.filter(\.1).map(\.0)
    }

    /// What the optimiser is made of.
    func optimizerSettings() throws(HyperparameterError) -> OptimizerSettings {
        var settings = OptimizerSettings(optimizer ?? .adam)
        if let momentum { settings.momentum = momentum }
        if let weightDecay { settings.weightDecay = weightDecay }
        try settings.validate()
        return settings
    }

    /// The learning rate of every step.
    ///
    /// - Parameter defaultRate: for where none was given.
    func makeSchedule(
        defaultRate: Double, epochs: Int, stepsPerEpoch: Int
    ) throws(HyperparameterError) -> LearningRateSchedule {
        let form: LearningRateSchedule.Form =
            switch schedule ?? .constant {
            case .constant: .constant
            case .step: .step(epochCount: stepEpochs ?? max(1, epochs / 3), factor: 0.1)
            case .plateau: .plateau(patience: patience ?? 2, factor: 0.1)
            case .cosine: .cosine(minimum: 0)
            }
        return try LearningRateSchedule(
            form, base: lr ?? defaultRate,
            warmupStepCount: Int(((warmup ?? 0) * Double(stepsPerEpoch)).rounded()), epochCount: epochs,
            stepsPerEpoch: stepsPerEpoch)
    }
}

extension Augmentation.Preset: ExpressibleByArgument {}
extension Initialization: ExpressibleByArgument {}
extension OptimizerSettings.Kind: ExpressibleByArgument {
    /// `Adam` is what the tutorials write.
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}
