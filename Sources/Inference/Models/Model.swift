import Foundation
import Synchronization

/// A network with its weights, class-index map and preprocessing: everything it takes to answer a picture.
///
/// A model never changes; a reload makes another.
public final class Model: Sendable {
    /// The name it is served under.
    public let name: String
    /// The network's name, as in `model.json`.
    public let architecture: String
    /// What the files leave open about the network, and how it was taken; empty where nothing is.
    public let assumptions: [Assumption]
    /// The digest of what was loaded: the first twelve digits of SHA-256 over the model's files.
    public let version: String
    /// The names of the outputs.
    public let classes: ClassMap
    /// How a picture becomes the network's input.
    public let preprocessing: Preprocessing
    /// What the linear layers' weights are held in.
    public let precision: Precision
    /// Limits of its own.
    public let batching: BatchingDescription
    /// What its input and outputs are called.
    public let tensorNames: TensorNames
    /// The form of the file that the weights came from.
    public let checkpointFormat: Checkpoint.Format
    /// What a person should know about its files, as a choice that was open: one sentence each, without a full stop.
    public let notes: [String]
    /// When loading was done.
    public let loadedAt: Date
    private let engine: Engine
    private let companions = Mutex<[any Sendable]>([])

    init(
        name: String, architecture: String, assumptions: [Assumption], version: String, classes: ClassMap,
        preprocessing: Preprocessing,
        checkpointFormat: Checkpoint.Format, precision: Precision,
        batching: BatchingDescription = BatchingDescription(), tensorNames: TensorNames = TensorNames(),
        notes: [String] = [], engine: Engine
    ) {
        self.name = name
        self.architecture = architecture
        self.assumptions = assumptions
        self.version = version
        self.classes = classes
        self.preprocessing = preprocessing
        self.checkpointFormat = checkpointFormat
        self.precision = precision
        self.batching = batching
        self.tensorNames = tensorNames
        self.notes = notes
        self.engine = engine
        loadedAt = Date()
    }

    /// Keeps something alive as long as the model: what was set aside for it is given back with the last request that uses it.
    public func keep(_ companion: some Sendable) { companions.withLock { $0.append(companion) } }

    /// The layers and their weights.
    public var network: Network { engine.network }

    /// The network's outputs before the soft-max.
    ///
    /// Of a network with one output x and two classes they are 0 and x, whose soft-max is the sigmoid's no and yes.
    ///
    /// Shape: inputs `[H, W, C]` each, as ``preprocessing`` makes them; outputs `[K]` each, K = ``classes``' count.
    public func logits(_ images: [Tensor]) -> [[Float]] {
        let outputs = engine(images)
        guard network.outputShape.elementCount == 1, classes.count == 2 else { return outputs }
        return outputs.map { [0, $0[0]] }
    }

    /// What it holds in memory once batches of `maxBatchSize` have run: weights, prepared kernels, working memory. Units: bytes.
    public func memoryByteCount(maxBatchSize: Int) -> Int {
        engine.weightByteCount + engine.arenaByteCount(batchSize: maxBatchSize)
    }

    /// What one run of a batch takes, step by step.
    public func profile(batchSize: Int) -> RunProfile { engine.profile(batchSize: batchSize) }
}
