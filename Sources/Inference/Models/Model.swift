import Foundation
import Synchronization

/// A network with its weights, class map and preprocessing: everything needed to classify an image.
///
/// A model is immutable. A reload makes a new one.
public final class Model: Sendable {
    /// The name under which the model is served.
    public let name: String
    /// The architecture's name, as in `model.json`.
    public let architecture: String
    /// What was assumed about the network because its files do not say it; empty if nothing was.
    public let assumptions: [Assumption]
    /// The digest of the loaded files: the first twelve hexadecimal digits of their SHA-256.
    public let version: String
    /// The names of the outputs.
    public let classes: ClassMap
    /// How an image becomes the network's input.
    public let preprocessing: Preprocessing
    /// The precision of the linear layers' weights, unless ``isQuantized``.
    public let precision: Precision
    /// Whether the checkpoint is quantized, so that the network is computed in 8-bit integers.
    public let isQuantized: Bool
    /// The batching limits in `model.json`.
    public let batching: BatchingDescription
    /// The names of the input and the outputs, for clients that address tensors by name.
    public let tensorNames: TensorNames
    /// The format of the checkpoint.
    public let checkpointFormat: Checkpoint.Format
    /// Remarks about the files for the user, such as a choice between several contents. One sentence each, without a
    /// full stop.
    public let notes: [String]
    /// The time at which loading finished.
    public let loadedAt: Date
    let engine: Engine
    /// The objects passed to ``keep(_:)``.
    private let companions = Mutex<[any Sendable]>([])

    init(
        name: String, architecture: String, assumptions: [Assumption], version: String, classes: ClassMap,
        preprocessing: Preprocessing,
        checkpointFormat: Checkpoint.Format, precision: Precision, isQuantized: Bool = false,
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
        self.isQuantized = isQuantized
        self.batching = batching
        self.tensorNames = tensorNames
        self.notes = notes
        self.engine = engine
        loadedAt = Date()
    }

    /// Keeps an object alive as long as the model. Example: a memory reservation that must last until the last request
    /// that uses the model.
    public func keep(_ companion: some Sendable) { companions.withLock { $0.append(companion) } }

    /// The precision's name for people and programs: `int8` for a network that is computed in 8-bit integers, else that of
    /// the linear layers' weights.
    public var precisionName: String { isQuantized ? "int8" : precision.rawValue }

    /// The layers and their weights.
    public var network: Network { engine.network }

    /// Computes the logits of each image of a batch: the network's outputs before the softmax.
    ///
    /// A network with one output x and two classes has the logits 0 and x: their softmax is 1 − sigmoid(x) and
    /// sigmoid(x).
    ///
    /// Shape: inputs `[H, W, C]` each, as ``preprocessing`` makes them; outputs `[K]` each, K = ``classes``' count.
    public func logits(_ images: [Tensor]) -> [[Float]] {
        engine(images).map(classLogits)
    }

    /// One logit for each class, from the network's outputs.
    func classLogits(_ outputs: [Float]) -> [Float] {
        outputs.count == 1 && classes.count == 2 ? [0, outputs[0]] : outputs
    }

    /// The memory that the model takes after batches of `maxBatchSize` have run: weights, prepared kernels and arenas.
    /// Units: bytes.
    public func memoryByteCount(maxBatchSize: Int) -> Int {
        engine.weightByteCount + engine.arenaByteCount(batchSize: maxBatchSize)
    }

    /// Runs a batch of grey images and measures each step; see ``RunProfile``.
    public func profile(batchSize: Int) -> RunProfile { engine.profile(batchSize: batchSize) }
}
