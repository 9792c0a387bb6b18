import Inference

/// What a training was asked for: everything that its result depends on besides the data, and what ``Trainer`` resumes with.
///
/// It is part of the model's `model.json`, under `training`.
public struct TrainingSettings: Codable, Equatable, Sendable {
    /// As in `model.json`.
    public var architecture: String
    /// See ``Preprocessing/Preset``.
    public var preprocessing: String
    /// As `--data` named them.
    public var data: String
    /// SHA-256 of what makes the data what they are.
    public var dataDigest: String
    /// The share held out for validation; nil where the data have a part for it.
    public var validationSplit: Double?
    /// See ``Augmentation/Preset``.
    public var augmentation: String
    public var epochs: Int
    /// Units: images.
    public var batchSize: Int
    public var seed: UInt64
    /// See ``Initialization``.
    public var initialization: String
    /// The checkpoint that the training began with; nil where it began with nothing.
    public var initialCheckpoint: String?
    /// Layers that did not begin with the checkpoint.
    public var fromScratch: [String]
    /// Layers that do not learn.
    public var frozen: [String]
    /// See ``SoftmaxCrossEntropy``.
    public var labelSmoothing: Double
    /// The largest norm of all gradients together; nil for any.
    public var clipNorm: Double?
    /// See ``ExponentialMovingAverage``; nil for none.
    public var averageDecay: Double?
    /// How the checkpoint's numbers are written, see ``ScalarType``; nil for float32.
    public var scalarType: String?

    /// Limits: more images in a step learn no better, and take memory by the gigabyte.
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

    /// The tutorials' settings for an architecture and data.
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

    /// - Throws: ``TrainingError/setting(_:)`` for a number that no training works with.
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

/// What a training takes where nobody says otherwise: numbers with which small folders leave the level of guessing too.
///
/// PyTorch's 1e-3 for Adam is too much for an AlexNet: its first steps are as long as the rate for every weight, whatever the
/// gradients, and against linear weights that begin at N(0, 0.01) a few of them kill the hidden units for good.
public enum TrainingDefaults {
    /// The usual number of images in a step.
    public static let batchSize = 64
    /// Folders of few images are divided into at least so many steps an epoch, as far as ``leastBatchSize`` allows.
    static let stepsPerEpoch = 10
    static let leastBatchSize = 8

    /// The learning rate of an optimiser for an architecture.
    ///
    /// Adam moves every weight by about the rate in its first steps, so that the change of a linear layer's output grows with
    /// its inputs: half as much for hidden layers of 4096 as for those of 2048. The other optimisers' rates are PyTorch's.
    public static func learningRate(_ kind: OptimizerSettings.Kind, architecture: String) -> Double {
        switch kind {
        case .adam, .adamw: AlexNet.Form(rawValue: architecture) == .halfWidth ? 2e-4 : 1e-4
        case .sgd, .momentum, .nesterov, .adagrad: kind.learningRate
        }
    }

    /// The number of images in a step: ``batchSize``, and less where the data are few.
    ///
    /// - Parameter isRateGiven: a rate that was chosen is meant for ``batchSize``; then only what is more than all the images
    ///   is less.
    public static func batchSize(imageCount: Int, isRateGiven: Bool) -> Int {
        guard !isRateGiven else { return max(1, min(batchSize, imageCount)) }
        var size = batchSize
        while size > leastBatchSize, size * stepsPerEpoch > imageCount { size /= 2 }
        return max(1, min(size, imageCount))
    }
}
