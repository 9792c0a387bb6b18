import Files
import Threads

/// The tensors of a checkpoint file, and the file's bytes, which the tensors are views of.
///
/// The file is *read once* into memory, never mapped. If a mapped file were overwritten or truncated, the weights of
/// the running model would change, or the process would be killed (SIGBUS). A single snapshot also makes the digest
/// that of exactly the loaded bytes. Contiguous float32 tensors are views of that memory, without a second copy. The
/// memory is freed with its last user: once the tensors of a float16 file are converted and the checkpoint is released,
/// the file's bytes are gone.
///
/// No code in a checkpoint runs. Reading a pickle builds only tensors and containers. Every other object becomes an
/// inert name, which is refused if a network needs it. Memory besides the file is bounded by a ``ReadingBudget``.
public struct Checkpoint: Sendable {
    /// The supported file formats. They are recognised by content, not by file name.
    public enum Format: String, Sendable {
        /// PyTorch's `torch.save`: a zip archive of a pickle and its storages, or the legacy format before version 1.6,
        /// a sequence of pickles and storages.
        case pytorch
        /// safetensors: one file, or several shards and their index.
        case safetensors
        /// NumPy's `numpy.savez`: a zip archive of arrays.
        case npz
        /// A dictionary pickled by `numpy.save`, such as `bvlc_alexnet.npy`.
        case npy
    }

    /// The file's name, for error messages.
    public let name: String
    /// The format that was recognised.
    public let format: Format
    /// The weights in file order, under names without wrapper prefixes such as `module.`.
    public let tensors: StoredTensors
    /// Tensors that are not floating point, in file order. A network may ignore them.
    public let skipped: [SkippedTensor]
    /// Values that have the name of a weight but are not tensors. They are refused if the network needs them.
    public let objects: [StoredObject]
    /// Remarks for the user, such as which of several state dictionaries was used. One sentence each, without a full
    /// stop.
    public let notes: [String]
    /// The `__metadata__` of a safetensors file; empty for other formats.
    public let metadata: [String: String]
    /// How layers with quantized weights quantize what they read, by the layer's name. The weights themselves are among
    /// ``tensors``, in float32.
    let quantizations: [String: LayerQuantization]
    /// Whether weights are stored as bytes, as `alexnet quantize` writes them.
    public var isQuantized: Bool { !quantizations.isEmpty }
    /// The bytes of the file; of a sharded checkpoint, those of the index.
    public let file: AlignedBuffer
    /// The bytes of each shard, in the order of file names; empty if the checkpoint is one file.
    public let shards: [AlignedBuffer]

    /// The default size limit for a checkpoint: several times the largest supported network. Units: bytes.
    public static let defaultMaxByteCount = 4 << 30

    /// Reads a checkpoint file, and its shards if it is an index.
    ///
    /// - Throws: ``CheckpointError`` when a file cannot be read, changes while it is read, or is not a valid
    ///   checkpoint.
    public init(contentsOf path: String, maxByteCount: Int = Self.defaultMaxByteCount) throws(CheckpointError) {
        let file = try FileSnapshot.checkpoint(at: path, maxByteCount: maxByteCount)
        try self.init(file, path: path, maxByteCount: maxByteCount, workers: nil)
    }

    /// Parses a checkpoint file whose bytes were read, and reads its shards if it is an index.
    ///
    /// - Parameter workers: share the reading while they have nothing else to do.
    init(
        _ file: AlignedBuffer, path: String, maxByteCount: Int = Self.defaultMaxByteCount, workers: WorkerPool?
    ) throws(CheckpointError) {
        guard ShardIndex.recognizes(ByteRegion(file)) else {
            try self.init(file, name: path)
            return
        }
        let (contents, shards) = try ShardedReader.read(
            ByteRegion(file), path: path, maxByteCount: maxByteCount - file.bytes.count, workers: workers)
        self.init(contents, name: path, format: .safetensors, file: file, shards: shards)
    }

    /// Parses a checkpoint that is already in memory.
    ///
    /// - Parameter name: the file's name, for errors.
    public init(_ file: AlignedBuffer, name: String) throws(CheckpointError) {
        let region = ByteRegion(file)
        let budget = ReadingBudget(fileByteCount: region.count)
        let contents: CheckpointContents
        let format: Format
        switch try Self.container(of: region, name: name) {
        case .safetensors:
            format = .safetensors
            contents = try SafetensorsReader.read(region, budget: budget)
        case .stackedPickles:
            format = .pytorch
            contents = try LegacyPyTorchReader.read(region, budget: budget)
        case .array:
            format = .npy
            contents = try ArrayDictionaryReader.read(region, name: name, budget: budget)
        case .zip:
            let archive = try ZipArchive(region, budget: budget)
            if let kind = Self.kind(of: archive) { throw .unknownFormat(file: name, found: kind.sentence) }
            format = NumPyReader.holdsArrays(archive) ? .npz : .pytorch
            contents =
                try format == .npz
                ? NumPyReader.read(archive, budget: budget)
                : PyTorchReader.read(archive, budget: budget)
        }
        self.init(contents, name: name, format: format, file: file, shards: [])
    }

    private init(
        _ contents: CheckpointContents, name: String, format: Format, file: AlignedBuffer, shards: [AlignedBuffer]
    ) {
        self.name = name
        self.format = format
        self.file = file
        self.shards = shards
        tensors = contents.tensors
        skipped = contents.skipped
        objects = contents.objects
        notes = contents.notes
        metadata = contents.metadata
        quantizations = contents.quantizations
    }

    /// Size of the file and all shards. Units: bytes.
    public var byteCount: Int { shards.reduce(file.bytes.count) { $0 + $1.bytes.count } }

    /// The tensor of a network's parameter.
    ///
    /// - Throws: ``CheckpointError/missingTensor(name:expected:)``,
    ///   ``CheckpointError/shapeMismatch(name:found:expected:)``,
    ///   ``CheckpointError/unsupportedScalarType(name:found:)`` when it is not floating point, or
    ///   ``CheckpointError/notATensor(name:found:)``.
    public func tensor(_ name: String, shape: Shape) throws(CheckpointError) -> StoredTensor {
        guard let tensor = tensors[name] else {
            if let skipped = skipped.first(where: { $0.name == name }) {
                throw .unsupportedScalarType(name: name, found: skipped.scalarName)
            }
            if let object = objects.first(where: { $0.name == name }) {
                throw .notATensor(name: name, found: object.kind)
            }
            throw .missingTensor(name: name, expected: shape)
        }
        guard tensor.shape == shape else {
            throw .shapeMismatch(name: name, found: tensor.shape, expected: shape)
        }
        return tensor
    }

    /// The container format, recognised by the file's first bytes.
    private enum Container { case safetensors, zip, stackedPickles, array }

    private static func container(of file: ByteRegion, name: String) throws(CheckpointError) -> Container {
        let start = file.withUnsafeBytes { Array($0.prefix(FileKind.prefixByteCount)) }
        // safetensors first: in a zip archive, a brace at offset 8 would be an invalid compression method. If the file
        // starts with a brace too, it is JSON text; as a header length those bytes would exceed any file.
        if start.count >= 9, start[8] == UInt8(ascii: "{"), start[0] != UInt8(ascii: "{") || start[7] == 0 {
            return .safetensors
        }
        if start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6]) { return .zip }
        if start.starts(with: ArrayHeader.magic) { return .array }
        if LegacyPyTorchReader.recognizes(file) { return .stackedPickles }
        throw .unknownFormat(file: name, found: found(file, start, name))
    }

    /// The kind of a zip archive that is not a checkpoint; nil if it may be one.
    private static func kind(of archive: ZipArchive) -> FileKind? {
        let names = archive.records.map(\.name)
        let pickle = names.first { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard let pickle else { return FileKind.archive(of: names) }
        let folder = pickle.dropLast("data.pkl".count)
        let isScript = names.contains { $0 == folder + "constants.pkl" || $0.hasPrefix(folder + "code/") }
        return isScript ? FileKind.torchScript : nil
    }

    private static func found(_ file: ByteRegion, _ start: [UInt8], _ name: String) -> String {
        if start.isEmpty { return "is empty" }
        if ShardIndex.recognizes(file) { return "is the index of shards, and not read from a file beside them" }
        if let kind = FileKind(of: start, name: name) { return kind.sentence }
        if start.first == UInt8(ascii: "{") { return "begins like JSON, but is no index of shards" }
        if let text = FileKind.text(start) { return text.sentence }
        let bytes = start.prefix(9).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return "begins with the bytes \(bytes.joined(separator: " "))"
    }
}

/// The tensors that the reader of a format has found, under names without wrapper prefixes.
struct CheckpointContents {
    private(set) var tensors = StoredTensors()
    private(set) var skipped: [SkippedTensor] = []
    /// Values with the name of a weight that are not tensors.
    var objects: [StoredObject] = []
    /// Remarks for the user, one sentence each.
    var notes: [String] = []
    var metadata: [String: String] = [:]
    /// See ``Checkpoint/quantizations``.
    var quantizations: [String: LayerQuantization] = [:]

    /// Limits the memory. The tensors' float32 copies are charged too: views may overlap and repeat elements, so a
    /// small file could ask for far more memory than its size.
    let budget: ReadingBudget

    init(budget: ReadingBudget) { self.budget = budget }

    /// Memory for a tensor's entry: name, shape, strides and position. Units: bytes.
    private static let entryByteCount = 384

    /// Adds a tensor.
    ///
    /// - Throws: ``CheckpointError`` when the name exists already or the float32 copy exceeds the budget.
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        let byteCount = tensor.shape.elementCount.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        try budget.charge(
            byteCount.overflow ? .max : byteCount.partialValue,
            for: "float32 up to tensor \(PickleObject.shortened(name))")
        try budget.charge(Self.entryByteCount + name.utf8.count, for: "the tensors' names")
        try tensors.append(tensor, name: Self.plainName(name))
    }

    /// Records a tensor that is not floating point.
    mutating func skip(_ name: String, scalarName: String) throws(CheckpointError) {
        try budget.charge(Self.entryByteCount + name.utf8.count, for: "the tensors' names")
        skipped.append(SkippedTensor(name: Self.plainName(name), scalarName: scalarName))
    }

    /// The name without the components that `DataParallel` (`module`) and `torch.compile` (`_orig_mod`) insert.
    static func plainName(_ name: String) -> String {
        guard name.contains("module.") || name.contains("_orig_mod.") else { return name }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.enumerated()
            .filter { $0.offset == parts.count - 1 || ($0.element != "module" && $0.element != "_orig_mod") }
            .map(\.element).joined(separator: ".")
    }
}

/// A tensor that is not floating point and so not a weight, such as batch normalisation's `num_batches_tracked`.
public struct SkippedTensor: Sendable, Equatable {
    /// The tensor's name, without prefixes of wrappers.
    public let name: String
    /// Its type's name in PyTorch or safetensors: `int64`, `I64`.
    public let scalarName: String
}

/// A value that has the name of a weight but is not a tensor. It is refused only if a network needs it.
public struct StoredObject: Sendable, Equatable {
    /// The value's name, without prefixes of wrappers.
    public let name: String
    /// A description: `an object of class argparse.Namespace`.
    public let kind: String
}
