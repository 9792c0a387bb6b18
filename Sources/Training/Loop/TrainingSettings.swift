import Inference

/// The settings of a training: together with the data, everything that its result depends on.
///
/// They are stored under `training` in `model.json`, and in the state that ``Trainer`` resumes from.
public struct TrainingSettings: Codable, Equatable, Sendable {
    /// The architecture's name, as in `model.json`.
    public var architecture: String
    /// The name of the preprocessing preset, see ``Preprocessing/Preset``.
    public var preprocessing: String
    /// The argument of `--data`.
    public var data: String
    /// The data's SHA-256, see ``DataSource/Parts/digest``.
    public var dataDigest: String
    /// The share that is held out for validation, 0…1; nil if the data has a validation part.
    public var validationSplit: Double?
    /// The name of the augmentation preset, see ``Augmentation/Preset``.
    public var augmentation: String
    /// The number of epochs.
    public var epochs: Int
    /// The number of images in a step. Units: images.
    public var batchSize: Int
    /// The seed of all random choices.
    public var seed: UInt64
    /// The name of the initialisation, see ``Initialization``.
    public var initialization: String
    /// The path of the checkpoint that was fine-tuned; nil for a training from scratch.
    public var initialCheckpoint: String?
    /// The layers that were initialised instead of being taken from the checkpoint.
    public var fromScratch: [String]
    /// The names of the layers that are not trained.
    public var frozen: [String]
    /// The label smoothing ε, 0..<1; see ``SoftmaxCrossEntropy``.
    public var labelSmoothing: Double
    /// The global norm at which gradients are clipped; nil for no clipping.
    public var clipNorm: Double?
    /// The decay of the ``ExponentialMovingAverage``, 0..<1; nil for none.
    public var averageDecay: Double?
    /// The element type of the checkpoint, see ``ScalarType``; nil for float32.
    public var scalarType: String?

    /// The supported batch sizes. Larger batches do not improve learning, and take gigabytes of memory. Units: images.
    public static let batchSizes = 1...4096

    private enum CodingKeys: String, CodingKey {
        case architecture, preprocessing, data, augmentation, epochs, seed, frozen
        case initialization = "init"
        case dataDigest = "data_digest"
        case validationSplit = "validation_split"
        case batchSize = "batch_size"
        case initialCheckpoint = "init_from"
        case fromScratch = "from_scratch"
        case labelSmoothing = "label_smoothing"
        case clipNorm = "clip_norm"
        case averageDecay = "ema"
        case scalarType = "type"
    }

    /// The settings of the tutorials, for this architecture and data.
    public init(architecture: String, preprocessing: String, data: String, dataDigest: String) {
        self.architecture = architecture
        self.preprocessing = preprocessing
        self.data = data
        self.dataDigest = dataDigest
        augmentation = Augmentation.Preset.tutorial.rawValue
        epochs = 10
        batchSize = 64
        seed = 0
        initialization = Initialization.pytorch.rawValue
        fromScratch = []
        frozen = []
        labelSmoothing = 0
    }

    /// - Throws: ``TrainingError/setting(_:)`` for a hyperparameter out of range.
    func validate() throws(TrainingError) {
        do throws(HyperparameterError) {
            guard Self.batchSizes.contains(batchSize) else {
                throw .outOfRange(
                    name: "batch size", found: "\(batchSize)",
                    expected: "a number from \(Self.batchSizes.lowerBound) to \(Self.batchSizes.upperBound)")
            }
            try HyperparameterError.check("label smoothing", labelSmoothing, in: 0..<1)
            if let averageDecay { try HyperparameterError.check("moving average's decay", averageDecay, in: 0..<1) }
            if let clipNorm, !(clipNorm > 0) {
                throw .outOfRange(
                    name: "largest norm of the gradients", found: "\(clipNorm)", expected: "a number above 0")
            }
        } catch {
            throw .setting(error)
        }
    }
}

/// Default hyperparameters, chosen so that training on a small folder also leaves the chance level.
///
/// PyTorch's learning rate for Adam, 1e-3, is too large for an AlexNet. Adam's first steps move every weight by about
/// the learning rate, whatever the gradients are. If linear weights are initialised to N(0, 0.01), a few such steps
/// leave the hidden units dead.
public enum TrainingDefaults {
    /// The number of images in a step. Units: images.
    public static let batchSize = 64
    /// The least number of steps in an epoch. Small data sets get smaller batches to reach it.
    static let stepsPerEpoch = 10
    /// The smallest batch that is chosen for this reason. Units: images.
    static let leastBatchSize = 8

    /// The learning rate of an optimiser for an architecture.
    ///
    /// Adam's first steps move every weight by about the learning rate, so the change of a linear layer's output grows
    /// with the number of its inputs. Networks with hidden layers of 4096 therefore get half the rate of those with
    /// 2048. Other optimisers have PyTorch's rate.
    public static func learningRate(_ kind: OptimizerSettings.Kind, architecture: String) -> Double {
        switch kind {
        case .adam, .adamw: AlexNet.Form(rawValue: architecture) == .halfWidth ? 2e-4 : 1e-4
        case .sgd, .momentum, .nesterov, .adagrad: kind.learningRate
        }
    }

    /// The number of images in a step: ``batchSize``, or fewer for a small data set. Units: images.
    ///
    /// - Parameter isRateGiven: whether the user chose the learning rate. Such a rate is meant for ``batchSize``, so
    ///   the batch is only reduced to the number of images.
    public static func batchSize(imageCount: Int, isRateGiven: Bool) -> Int {
        guard !isRateGiven else { return max(1, min(batchSize, imageCount)) }
        var size = batchSize
        while size > leastBatchSize, size * stepsPerEpoch > imageCount { size /= 2 }
        return max(1, min(size, imageCount))
    }
}
