import ArgumentParser
import Foundation
import Inference
import Training

/// The options of `alexnet train` about the data.
struct TrainingDataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A folder with one folder for each class, or fashion-mnist:DIR, mnist:DIR, cifar10:DIR, cifar100:DIR.",
            valueName: "source"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The share to hold out for validation (default: the data's own test or val part, else 0.1).",
            valueName: "share"))
    var validationSplit: Double?

    @Option(
        help: ArgumentHelp(
            "Random changes to the images: none, tutorial (random resized crops, flips), paper (random crops of 224 in 256, "
                + "flips, colour shifts) or product (moved, flipped, inverted, before backgrounds).",
            valueName: "preset"))
    var augmentation: Augmentation.Preset?

    @Option(help: ArgumentHelp("The expected number of classes; another number is an error.", valueName: "n"))
    var classes: Int?

    /// The given options that cannot be combined with --resume. --data can, because a folder may have moved.
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

/// The options of `alexnet train` about the network.
struct TrainingNetworkOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The architecture: \(InitialNetwork.architectures.joined(separator: ", ")) (default: that of --init-from, else "
                + "alexnet_half_width).",
            valueName: "architecture"))
    var model: String?

    @Option(
        help: ArgumentHelp(
            "How an image becomes the network's input: stretch, imagenet, caffe or unit (default: the architecture's usual "
                + "preset).",
            valueName: "preset"))
    var preprocessing: Preprocessing.Preset?

    @Option(
        name: .customLong("init"),
        help: ArgumentHelp(
            "The initialisation of the weights: pytorch, kaiming or paper (default: the architecture's usual one).",
            valueName: "way"))
    var initialization: Initialization?

    @Option(help: ArgumentHelp("The checkpoint to start from.", valueName: "file"))
    var initFrom: String?

    @Option(
        help: ArgumentHelp(
            "Layers, or parts such as classifier, that are not taken from --init-from.", valueName: "layer,…"))
    var fromScratch: String?

    @Option(help: ArgumentHelp("Layers, or parts such as features, that are not trained.", valueName: "layer,…"))
    var freeze: String?

    func validate() throws {
        if let model, !InitialNetwork.architectures.contains(model) {
            throw ValidationError(
                "\(TrainingError.unknownArchitecture(name: model, known: InitialNetwork.architectures)).")
        }
        if fromScratch != nil, initFrom == nil {
            throw ValidationError("--from-scratch requires --init-from.")
        }
    }

    /// The names in a comma-separated list.
    static func names(_ list: String?) -> [String] {
        (list ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// The given options that cannot be combined with --resume.
    var given: [String] {
        [
            ("--model", model), ("--preprocessing", preprocessing?.rawValue), ("--init", initialization?.rawValue),
            ("--init-from", initFrom), ("--from-scratch", fromScratch), ("--freeze", freeze),
        ].filter { $0.1 != nil }.map(\.0)
    }
}

/// The options of `alexnet train` about the optimisation.
struct LearningOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The number of passes over all images (default: 10).", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "Images in one step (default: 64; without --lr fewer if there are less than 640 images).",
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

    @Option(help: ArgumentHelp("The momentum of momentum and nesterov (default: 0.9).", valueName: "share"))
    var momentum: Double?

    @Option(help: ArgumentHelp("Weight decay (default: 0; adamw: 0.01).", valueName: "share"))
    var weightDecay: Double?

    @Option(
        help: ArgumentHelp(
            "constant, step (divided by 10 every --step-epochs), plateau (divided by 10 when the validation loss stalls, as "
                + "in the paper) or cosine (default: constant).",
            valueName: "name"))
    var schedule: ScheduleName?

    @Option(
        help: ArgumentHelp(
            "Epochs between two steps of --schedule step (default: a third of the epochs).", valueName: "n"))
    var stepEpochs: Int?

    @Option(
        help: ArgumentHelp(
            "Epochs without progress before --schedule plateau lowers the rate (default: 2).", valueName: "n"))
    var patience: Int?

    @Option(
        help: ArgumentHelp("Epochs in which the learning rate rises linearly to --lr (default: 0).", valueName: "n"))
    var warmup: Double?

    @Option(help: ArgumentHelp("Clip the gradients' global norm to this (default: no clipping).", valueName: "norm"))
    var clipNorm: Double?

    @Option(
        help: ArgumentHelp(
            "Keep an exponential moving average of the weights with this decay, for example 0.999 (default: none).",
            valueName: "decay"))
    var ema: Double?

    @Option(help: ArgumentHelp("Label smoothing (default: 0).", valueName: "share"))
    var labelSmoothing: Double?

    @Option(help: ArgumentHelp("The seed of all random choices (default: 0).", valueName: "n"))
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
        if let ema, !(0..<1 ~= ema) { throw ValidationError("--ema takes a number from 0 to below 1, not \(ema).") }
        if let labelSmoothing, !(0..<1 ~= labelSmoothing) {
            throw ValidationError("--label-smoothing takes a number from 0 to below 1, not \(labelSmoothing).")
        }
        if let clipNorm, !(clipNorm > 0) {
            throw ValidationError("--clip-norm takes a number above 0, not \(clipNorm).")
        }
        if let warmup, !(0...1e6 ~= warmup) {
            throw ValidationError("--warmup takes a number of epochs from 0 to 1000000, not \(warmup).")
        }
        if stepEpochs != nil, schedule != .step { throw ValidationError("--step-epochs requires --schedule step.") }
        if patience != nil, schedule != .plateau { throw ValidationError("--patience requires --schedule plateau.") }
        do throws(HyperparameterError) {
            // Checks these numbers before the data is read.
            let kind = try optimizerSettings().kind
            _ = try makeSchedule(defaultRate: kind.learningRate, epochs: epochs ?? 1, stepsPerEpoch: 1)
        } catch {
            throw ValidationError("\(error.description).")
        }
    }

    /// The given options that cannot be combined with --resume. --epochs can, to train longer.
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

    /// The optimiser and its hyperparameters.
    func optimizerSettings() throws(HyperparameterError) -> OptimizerSettings {
        var settings = OptimizerSettings(optimizer ?? .adam)
        if let momentum { settings.momentum = momentum }
        if let weightDecay { settings.weightDecay = weightDecay }
        try settings.validate()
        return settings
    }

    /// The learning rate of each step.
    ///
    /// - Parameter defaultRate: the rate without --lr.
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
    /// Parses the name in upper or lower case, because tutorials write `Adam`.
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}
