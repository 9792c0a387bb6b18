import Files

/// The tensors of a checkpoint file, and the bytes they lie in.
///
/// The file is *read once* into memory of our own, never mapped: under a mapping, a file that is overwritten or truncated in
/// place would change the weights of the running model or kill it (SIGBUS), and one snapshot makes a digest be that of
/// exactly the bytes that were loaded. Tensors are views of that memory: contiguous float32 is used where it lies,
/// without a second copy. The memory is freed with its last user, so once a float16 file's tensors are converted and
/// the checkpoint is let go, its bytes are gone.
///
/// Reading builds tensors and nothing else: whatever more a pickle asks for is a name that nothing can call, and is refused where
/// a network needs it. What reading may hold beside the file is bounded by a ``ReadingBudget``.
public struct Checkpoint: Sendable {
    /// The forms of file that are read; the bytes tell them apart, not the suffix.
    public enum Format: String, Sendable {
        /// What `torch.save` writes: a zip archive of a pickle and its storages, or pickles and storages one behind the other, as
        /// before version 1.6.
        case pytorch
        /// One file, or several and their index.
        case safetensors
        /// What `numpy.savez` writes: a zip archive of arrays.
        case npz
        /// A dictionary that `numpy.save` has pickled, such as `bvlc_alexnet.npy`.
        case npy
    }

    /// What the file is called in errors.
    public let name: String
    /// What the bytes turned out to be.
    public let format: Format
    /// The weights in file order, without the prefixes that wrappers add to their names.
    public let tensors: StoredTensors
    /// Tensors whose type is no weight's, in file order; a network may ignore them.
    public let skipped: [SkippedTensor]
    /// What has a weight's name and is no tensor; a network that needs it refuses it.
    public let objects: [StoredObject]
    /// What a person should know about the file, such as a choice between several dictionaries of weights: one sentence each,
    /// without a full stop.
    public let notes: [String]
    /// The `__metadata__` of a safetensors file; empty for others.
    public let metadata: [String: String]
    /// The bytes of the whole file: of the index where there are shards.
    public let file: AlignedBuffer
    /// The bytes of each file that the index names, in the order of the names.
    public let shards: [AlignedBuffer]

    /// Units: bytes. Several times the largest network that runs here.
    public static let defaultMaxByteCount = 4 << 30

    /// Reads a file.
    ///
    /// - Throws: ``CheckpointError`` when it cannot be read, changes meanwhile, or is not a whole and sound checkpoint.
    public init(contentsOf path: String, maxByteCount: Int = Self.defaultMaxByteCount) throws(CheckpointError) {
        let file = try FileSnapshot.checkpoint(at: path, maxByteCount: maxByteCount)
        guard ShardIndex.recognizes(ByteRegion(file)) else {
            try self.init(file, name: path)
            return
        }
        let (contents, shards) = try ShardedReader.read(
            ByteRegion(file), path: path, maxByteCount: maxByteCount - file.bytes.count)
        self.init(contents, name: path, format: .safetensors, file: file, shards: shards)
    }

    /// Reads a checkpoint that is in memory already.
    ///
    /// - Parameter name: what the file is called in errors.
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
            contents = try StackedPickleReader.read(region, budget: budget)
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
    }

    /// Of the file and all shards. Units: bytes.
    public var byteCount: Int { shards.reduce(file.bytes.count) { $0 + $1.bytes.count } }

    /// The tensor that a network has a place for.
    ///
    /// - Throws: ``CheckpointError/missingTensor(name:expected:)``,
    ///   ``CheckpointError/shapeMismatch(name:found:expected:)``, or
    ///   ``CheckpointError/unsupportedScalarType(name:found:)`` when it is there, but in integers.
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

    /// What the first bytes tell.
    private enum Container { case safetensors, zip, stackedPickles, array }

    private static func container(of file: ByteRegion, name: String) throws(CheckpointError) -> Container {
        let start = file.withUnsafeBytes { Array($0.prefix(FileKind.prefixByteCount)) }
        // The brace comes first: it would be an impossible compression method in a zip archive's first record. A length that
        // begins with a brace of its own is JSON's, and beyond all files.
        if start.count >= 9, start[8] == UInt8(ascii: "{"), start[0] != UInt8(ascii: "{") || start[7] == 0 {
            return .safetensors
        }
        if start.starts(with: [0x50, 0x4B, 3, 4]) || start.starts(with: [0x50, 0x4B, 5, 6]) { return .zip }
        if start.starts(with: ArrayHeader.magic) { return .array }
        if StackedPickleReader.recognizes(file) { return .stackedPickles }
        throw .unknownFormat(file: name, found: found(file, start, name))
    }

    /// What a zip archive is that is no checkpoint; nil where it may be one.
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
