import Files
import Foundation
import Synchronization
import Threads

/// Loads a model from its files and verifies it: names, shapes, finite values, class count, a warm-up run.
public struct ModelLoader: Sendable {
    private let workers: WorkerPool
    private let tuning: AlgorithmTuning
    private let defaultPrecision: Precision
    private let precision: Precision?

    /// The largest arena, far above the activations of any published network. Units: bytes.
    private static let maxArenaByteCount = 4 << 30

    /// The largest batch of the engine's convolutional sections. Units: images.
    private static let warmUpBatchSize = 8

    /// A loader for models that run on these threads.
    ///
    /// - Parameters:
    ///   - tuning: how the algorithms are chosen.
    ///   - defaultPrecision: the precision if `model.json` does not name one.
    ///   - precision: overrides the precision in every `model.json`; nil to keep it.
    public init(
        workers: WorkerPool, tuning: AlgorithmTuning = .estimated, defaultPrecision: Precision = .float32,
        precision: Precision? = nil
    ) {
        self.workers = workers
        self.tuning = tuning
        self.defaultPrecision = defaultPrecision
        self.precision = precision
    }

    /// Locates the files and loads the model.
    ///
    /// - Throws: ``ModelError`` with the first problem.
    public func load(_ files: ModelFiles) throws(ModelError) -> Model { try load(files.located()) }

    /// Loads the model from located files.
    ///
    /// - Throws: ``ModelError`` with the first problem.
    public func load(_ files: LocatedFiles) throws(ModelError) -> Model {
        let description = files.description
        let digest = FilesDigest()
        digest.update(files.descriptionBytes)
        let classMap = try read(files.classes, maxByteCount: TextFile.defaultMaxByteCount)
        digest.update(classMap.bytes)
        let precision = precision ?? description.precision ?? defaultPrecision
        let described = files.preprocessing.map(PreprocessingDescription.preset) ?? description.preprocessing
        let (recognized, checkpoint) = try readNetwork(
            files.checkpoint, description, try description.makeOptions(described), precision, digest)
        let network = recognized.network.foldingNormalizations().fusingSums()
        let classes = try readClasses(
            classMap.text, file: files.classes, outputCount: network.outputShape.elementCount)
        let preprocessing = try makePreprocessing(
            described ?? .preset(recognized.preprocessing), network: network)
        var assumptions = recognized.assumptions
        if described == nil, let assumption = recognized.preprocessingAssumption { assumptions.append(assumption) }
        try description.checkOutput(count: network.outputShape.elementCount)
        if network.outputShape.elementCount == 1, description.output == nil {
            assumptions.append(.sigmoid(of: classes))
        }
        let selector = AlgorithmSelector(
            overrides: try description.checkedAlgorithms(for: network), timings: tuning.timings)
        let engine = Engine(network: network, workers: workers, selector: selector)
        tuning(engine)
        try warmUp(engine, preprocessing)
        return Model(
            name: files.name, architecture: recognized.architecture, assumptions: assumptions,
            version: digest.finalize(),
            classes: classes, preprocessing: preprocessing, checkpointFormat: checkpoint.format, precision: precision,
            isQuantized: checkpoint.isQuantized, batching: description.batching ?? BatchingDescription(),
            tensorNames: description.tensors ?? TensorNames(), notes: checkpoint.notes, engine: engine)
    }

    /// Recognises the network in a checkpoint by the names and shapes of its tensors alone. It needs no class map and
    /// no `model.json`, and there is no warm-up run.
    ///
    /// - Throws: ``CheckpointError`` if they fit no architecture.
    public static func recognize(_ checkpoint: Checkpoint) throws(CheckpointError) -> RecognizedNetwork {
        let (architecture, parameters) = try Architectures.recognize(ParameterSet(checkpoint))
        return try RecognizedNetwork(architecture, parameters, options: ArchitectureOptions())
    }

    private func read(_ path: String, maxByteCount: Int) throws(ModelError) -> TextFile {
        do throws(FileError) {
            return try TextFile(contentsOf: path, maxByteCount: maxByteCount)
        } catch {
            throw ModelError.unreadable(error)
        }
    }

    /// Reads the checkpoint and builds the network. The network has copies of the weights, so the file's memory is
    /// released on return.
    private func readNetwork(
        _ path: String, _ description: ModelDescription, _ options: ArchitectureOptions, _ precision: Precision,
        _ digest: FilesDigest
    ) throws(ModelError) -> (RecognizedNetwork, CheckpointSummary) {
        let checkpoint = try openCheckpoint(path, digest)
        for shard in checkpoint.shards { digest.update(shard) }
        let recognized = try recognize(
            checkpoint, description, options, packing: WeightPacking(precision, workers: workers))
        return (
            recognized,
            CheckpointSummary(
                format: checkpoint.format, notes: checkpoint.notes,
                isQuantized: checkpoint.isQuantized)
        )
    }

    /// What is kept of a checkpoint whose memory is released.
    private struct CheckpointSummary {
        let format: Checkpoint.Format
        let notes: [String]
        let isQuantized: Bool
    }

    /// Reads the checkpoint. Its file is hashed while it is parsed, which verifies the checksums of its records.
    private func openCheckpoint(_ path: String, _ digest: FilesDigest) throws(ModelError) -> Checkpoint {
        do throws(CheckpointError) {
            let file = try FileSnapshot.checkpoint(
                at: path, maxByteCount: Checkpoint.defaultMaxByteCount, workers: workers)
            let parsed = Mutex<Result<Checkpoint, CheckpointError>?>(nil)
            workers.parallelFor(2) { part, _ in
                guard part == 0 else { return digest.update(file) }
                let checkpoint = Result { () throws(CheckpointError) in
                    try Checkpoint(file, path: path, workers: workers)
                }
                parsed.withLock { $0 = checkpoint }
            }
            guard let checkpoint = parsed.withLock(\.self) else { preconditionFailure("no part parsed the checkpoint") }
            return try checkpoint.get()
        } catch {
            throw ModelError.checkpoint(file: path, error)
        }
    }

    private func recognize(
        _ checkpoint: Checkpoint, _ description: ModelDescription, _ options: ArchitectureOptions,
        packing: WeightPacking?
    ) throws(ModelError) -> RecognizedNetwork {
        let (architecture, parameters) = try parameters(of: checkpoint, description, packing: packing)
        do throws(CheckpointError) {
            return try RecognizedNetwork(architecture, parameters, options: options)
        } catch {
            throw ModelError.checkpoint(file: checkpoint.name, error)
        }
    }

    /// The architecture of a checkpoint, and its parameters under the names that the architecture expects.
    private func parameters(
        of checkpoint: Checkpoint, _ description: ModelDescription, packing: WeightPacking?
    ) throws(ModelError) -> Architectures.Recognition {
        let named = try description.architecture.map { name throws(ModelError) in
            guard let architecture = Architectures.named(name) else {
                throw ModelError.unknownArchitecture(name: name, known: Architectures.all.map(\.name))
            }
            return architecture
        }
        do {
            let parameters = try ParameterSet(checkpoint, packing: packing, prefix: description.prefix ?? "")
            let recognized =
                try named.map { ($0, Architectures.spelled(parameters, for: $0)) }
                ?? Architectures.recognize(parameters)
            try description.checkOptions(of: recognized.0)
            return recognized
        } catch let error as ModelError {
            throw error
        } catch let error as CheckpointError {
            throw ModelError.checkpoint(file: checkpoint.name, error)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    private func readClasses(_ text: String, file: String, outputCount: Int) throws(ModelError) -> ClassMap {
        do throws(ClassMapError) {
            let classes = try ClassMap(text: text)
            // A single output is the logit of the second of two classes, and both classes may have names.
            guard classes.count == outputCount || (outputCount == 1 && classes.count == 2) else {
                throw ClassMapError.countMismatch(names: classes.count, outputs: outputCount)
            }
            return classes
        } catch {
            throw ModelError.classes(file: file, error)
        }
    }

    private func makePreprocessing(
        _ description: PreprocessingDescription, network: Network
    ) throws(ModelError) -> Preprocessing {
        do throws(PreprocessingError) {
            return try Preprocessing(description, input: network.inputShape)
        } catch {
            throw ModelError.preprocessing(error)
        }
    }

    /// The warm-up run. It touches the pages of weights and arenas, and shows that activations do not overflow.
    private func warmUp(_ engine: Engine, _ preprocessing: Preprocessing) throws(ModelError) {
        let byteCount = engine.arenaByteCount(batchSize: Self.warmUpBatchSize)
        guard byteCount <= Self.maxArenaByteCount else {
            throw ModelError.tooLarge(byteCount: byteCount, limit: Self.maxArenaByteCount)
        }
        let grey = PixelImage(width: 1, height: 1, channelCount: 3, pixels: [128, 128, 128])
        // Each byte value once per channel, in an order without a pattern to which a filter might not respond.
        let noise = PixelImage(
            width: 16, height: 16, channelCount: 3,
            pixels: (0..<768).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 / 256 &* 91) })
        guard engine([preprocessing(grey), preprocessing(noise)]).allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw ModelError.nonFiniteOutput
        }
    }
}

/// The digest of a model's files, one after the other.
private final class FilesDigest: Sendable {
    private let hash = Mutex(SHA256())

    /// Adds the next file's bytes.
    func update(_ bytes: [UInt8]) { hash.withLock { $0.update(bytes) } }

    /// Adds the next file's bytes.
    func update(_ file: AlignedBuffer) {
        withExtendedLifetime(file) { hash.withLock { $0.update(UnsafeRawBufferPointer(file.bytes)) } }
    }

    /// The model's version, the first digits of the digest. Starts anew.
    func finalize() -> String {
        hash.withLock { hash in
            let whole = hash
            hash = SHA256()
            return whole.finalize().hexadecimal(byteCount: 6)
        }
    }
}

extension ModelLoader {
    /// The parameters of located files in the file's own numbers, under the names that the architecture expects, without
    /// those that only training uses.
    ///
    /// - Throws: ``ModelError`` if the checkpoint cannot be used.
    func parameters(of files: LocatedFiles) throws(ModelError) -> [ParameterSet.Layer] {
        let checkpoint = try openCheckpoint(files.checkpoint, FilesDigest())
        let (architecture, parameters) = try parameters(of: checkpoint, files.description, packing: nil)
        return parameters.layers.filter { layer in !architecture.ignoredPrefixes.contains { layer.name.hasPrefix($0) } }
    }

    /// A loader with its own threads, for programs that have no other work for them.
    ///
    /// - Parameters:
    ///   - threadCount: the number of threads, at least 1.
    ///   - precision: overrides the precision in every `model.json`; nil to keep it.
    public init(threadCount: Int, precision: Precision? = nil) {
        self.init(workers: WorkerPool(threadCount: threadCount), precision: precision)
    }
}
