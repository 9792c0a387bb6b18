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
    /// Units: pictures.
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
    /// See ``MovingAverage``; nil for none.
    public var averageDecay: Double?
    /// How the checkpoint's numbers are written, see ``ScalarType``; nil for float32.
    public var scalarType: String?

    /// Limits: more pictures in a step learn no better, and take memory by the gigabyte.
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
