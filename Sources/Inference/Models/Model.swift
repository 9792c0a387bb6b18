import Foundation
import Synchronization

/// A network with its weights, class map and preprocessing: everything that is needed to classify an image.
///
/// A model never changes; a reload makes another one.
public final class Model: Sendable {
    /// The name it is served under.
    public let name: String
    /// The architecture's name, as in `model.json`.
    public let architecture: String
    /// What the files leave open about the network, and what was assumed; empty where nothing is open.
    public let assumptions: [Assumption]
    /// The digest of what was loaded: the first twelve digits of SHA-256 over the model's files.
    public let version: String
    /// The names of the outputs.
    public let classes: ClassMap
    /// How an image becomes the network's input.
    public let preprocessing: Preprocessing
    /// The precision of the linear layers' weights.
    public let precision: Precision
    /// The limits in `model.json`.
    public let batching: BatchingDescription
    /// The names of its input and outputs for clients that address tensors by name.
    public let tensorNames: TensorNames
    /// The format of the checkpoint.
    public let checkpointFormat: Checkpoint.Format
    /// What a person should know about the files, as a choice between several contents: one sentence each, without a
    /// full stop.
    public let notes: [String]
    /// When loading ended.
    public let loadedAt: Date
    private let engine: Engine
    /// See ``keep(_:)``.
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

    /// Keeps an object alive as long as the model, as a reservation of memory that ends with the last request that uses
    /// it.
    public func keep(_ companion: some Sendable) { companions.withLock { $0.append(companion) } }

    /// The layers and their weights.
    public var network: Network { engine.network }

    /// The network's outputs before the soft-max.
    ///
    /// For a network with one output x and two classes they are 0 and x: their soft-max is 1 − sigmoid(x) and
    /// sigmoid(x).
    ///
    /// Shape: inputs `[H, W, C]` each, as ``preprocessing`` makes them; outputs `[K]` each, K = ``classes``' count.
    public func logits(_ images: [Tensor]) -> [[Float]] {
        let outputs = engine(images)
        guard network.outputShape.elementCount == 1, classes.count == 2 else { return outputs }
        return outputs.map { [0, $0[0]] }
    }

    /// The memory that it takes once batches of `maxBatchSize` have run: weights, prepared kernels and arenas. Units:
    /// bytes.
    public func memoryByteCount(maxBatchSize: Int) -> Int {
        engine.weightByteCount + engine.arenaByteCount(batchSize: maxBatchSize)
    }

    /// Runs a batch of grey images and measures each step.
    public func profile(batchSize: Int) -> RunProfile { engine.profile(batchSize: batchSize) }
}
