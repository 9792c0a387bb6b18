import Files
import Foundation

/// The location of a model's files: a folder, or a checkpoint and a class map by their own paths.
public struct ModelFiles: Sendable, Equatable {
    /// The name under which the model is served.
    public let name: String
    /// Overrides the preprocessing in `model.json`; nil to use that.
    let preprocessing: Preprocessing.Preset?
    /// The folder of all files that were not given by their own path.
    let folder: String
    /// The path of a given checkpoint; nil to look for one in the folder.
    let checkpoint: String?
    /// The path of a given class map; nil to look for one in the folder.
    private let classes: String?
    /// The directory that no symbolic link may leave; nil if links may lead anywhere.
    let boundary: String?
    let fileSystem: any FileSystem

    /// The suffixes of checkpoints, if `model.json` does not name one.
    private static let checkpointSuffixes = [".pth", ".pt", ".safetensors", ".npz", ShardIndex.suffix]
    /// Suffixes that checkpoints share with other files. They count only if no file has one of ``checkpointSuffixes``.
    private static let otherCheckpointSuffixes = [".npy", ".bin", ".ckpt", ".pth.tar"]
    /// The suffixes of files in a model's folder that do not belong to the model: notes, scripts, training records.
    private static let companionSuffixes = [".md", ".py", ".csv", ".svg", ".png", ".resume"]
    /// The file that describes the model; see ``ModelDescription``.
    static let descriptionName = "model.json"
    /// The usual names of class maps, in the order of search: this program's, TorchServe's, Keras', those of tutorials.
    private static let classMapNames = [
        "class_indices.json", "classes.json", "index_to_name.json", "imagenet_class_index.json", "labels.txt",
        "classes.txt", "imagenet_classes.txt",
    ]

    /// A model's folder. The model has the folder's name.
    ///
    /// - Parameter boundary: the directory that no symbolic link of the model may leave; nil if links may lead
    ///   anywhere.
    /// - Throws: ``ModelError/noFolder(path:)``, or ``ModelError/inaccessible(_:)`` if the folder cannot be examined.
    public init(
        folder: String, preprocessing: Preprocessing.Preset? = nil, boundary: String? = nil,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(ModelError) {
        let url = URL(fileURLWithPath: folder).standardizedFileURL
        let status: FileStatus?
        do throws(FileSystemError) {
            status = try fileSystem.status(of: url.path)
        } catch {
            throw ModelError.inaccessible(error)
        }
        guard status?.kind == .folder else { throw ModelError.noFolder(path: folder) }
        self.init(
            name: url.lastPathComponent, preprocessing: preprocessing, folder: url.path, checkpoint: nil, classes: nil,
            boundary: boundary, fileSystem: fileSystem)
    }

    /// A model's folder that is known to exist, although it could not be examined.
    public init(
        unseenFolder folder: String, boundary: String? = nil, fileSystem: any FileSystem = LocalFileSystem()
    ) {
        let url = URL(fileURLWithPath: folder).standardizedFileURL
        self.init(
            name: url.lastPathComponent, preprocessing: nil, folder: url.path, checkpoint: nil, classes: nil,
            boundary: boundary, fileSystem: fileSystem)
    }

    /// A checkpoint and a class map by their own paths.
    ///
    /// - Parameter classes: nil to look for a class map beside the checkpoint.
    public init(
        checkpoint: String, classes: String?, preprocessing: Preprocessing.Preset? = nil,
        fileSystem: any FileSystem = LocalFileSystem()
    ) {
        let url = URL(fileURLWithPath: checkpoint).standardizedFileURL
        self.init(
            name: Self.name(ofFile: url.lastPathComponent), preprocessing: preprocessing,
            folder: url.deletingLastPathComponent().path, checkpoint: url.path, classes: classes, boundary: nil,
            fileSystem: fileSystem)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.preprocessing == right.preprocessing && left.folder == right.folder
            && left.checkpoint == right.checkpoint && left.classes == right.classes && left.boundary == right.boundary
    }

    /// The file's name without the suffix of its format.
    private static func name(ofFile file: String) -> String {
        for suffix in [ShardIndex.suffix, ".pth.tar"] where file.hasSuffix(suffix) && file.count > suffix.count {
            return String(file.dropLast(suffix.count))
        }
        return URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    }

    private init(
        name: String, preprocessing: Preprocessing.Preset?, folder: String,
        checkpoint: String?, classes: String?, boundary: String?, fileSystem: any FileSystem
    ) {
        self.name = name
        self.preprocessing = preprocessing
        self.folder = folder
        self.checkpoint = checkpoint
        self.classes = classes
        self.boundary = boundary
        self.fileSystem = fileSystem
    }

    /// Locates the checkpoint and the class map.
    ///
    /// - Parameter names: the sorted names of the folder's entries.
    func resolve(
        _ description: ModelDescription, names: [String]
    ) throws(ModelError) -> (checkpoint: String, classes: String) {
        return (
            try resolveCheckpoint(description, folder: folder, names: names),
            try resolveClasses(description, folder: folder, names: names)
        )
    }

    private func resolveCheckpoint(
        _ description: ModelDescription, folder: String, names: [String]
    ) throws(ModelError) -> String {
        if let checkpoint { return checkpoint }
        if let name = description.checkpoint { return try path(of: name, in: folder) }
        let found = Self.checkpoints(among: names)
        if let shard = found.first, found.allSatisfy(ShardIndex.isShard), !shard.hasSuffix("-of-00001.safetensors") {
            throw ModelError.shardsWithoutIndex(folder: folder, shard: shard)
        }
        switch found.count {
        case 0: throw Self.foreignCheckpoint(in: folder, names: names) ?? ModelError.noCheckpoint(folder: folder)
        case 1: return folder + "/" + found[0]
        default: throw ModelError.ambiguousCheckpoint(folder: folder, files: found)
        }
    }

    /// The files that a model may be loaded from. If there is an index, its shards are left out.
    ///
    /// Hidden files are left out too: macOS writes `._model.pth` beside `model.pth` on other file systems, and
    /// unfinished downloads have names like `.model.pth.part`.
    private static func checkpoints(among names: [String]) -> [String] {
        let names = names.filter { !$0.hasPrefix(".") }
        let found = names.filter { name in checkpointSuffixes.contains { name.hasSuffix($0) } }
        if found.isEmpty { return names.filter { name in otherCheckpointSuffixes.contains { name.hasSuffix($0) } } }
        let hasIndex = found.contains { $0.hasSuffix(ShardIndex.suffix) }
        return hasIndex ? found.filter { !ShardIndex.isShard($0) } : found
    }

    /// The suffixes of files that are often mistaken for PyTorch checkpoints.
    private static let foreignSuffixes = [
        ".h5", ".hdf5", ".keras", ".onnx", ".pb", ".tflite", ".caffemodel", ".mat", ".params", ".t7", ".pkl", ".gz",
        ".xz",
        ".zst", ".bz2", ".tar", ".tgz", ".7z", ".rar",
    ]

    /// The error for a folder with a file of another framework; nil if it has none.
    static func foreignCheckpoint(in folder: String, names: [String]) -> ModelError? {
        for name in names where foreignSuffixes.contains(where: name.hasSuffix) && !name.hasPrefix(".") {
            guard
                let start = FileSnapshot.prefix(of: folder + "/" + name, byteCount: FileKind.prefixByteCount),
                let kind = FileKind(of: start, name: name)
            else { continue }
            return ModelError.foreignCheckpoint(folder: folder, file: name, found: kind.sentence)
        }
        return nil
    }

    private func resolveClasses(
        _ description: ModelDescription, folder: String, names: [String]
    ) throws(ModelError) -> String {
        if let classes { return classes }
        if let name = description.classes { return try path(of: name, in: folder) }
        guard let name = Self.classMapNames.first(where: names.contains) else {
            throw ModelError.noClassMap(folder: folder)
        }
        return folder + "/" + name
    }

    /// The path of a file that `model.json` names. It must be in the folder: an untrusted `model.json` must not make
    /// the program read other files.
    private func path(of name: String, in folder: String) throws(ModelError) -> String {
        guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
            throw ModelError.pathOutsideFolder(file: name)
        }
        return folder + "/" + name
    }

    /// Whether the folder holds a checkpoint or a `model.json`.
    ///
    /// - Throws: ``FileSystemError`` if the folder could not be examined.
    public var holdsModel: Bool {
        get throws(FileSystemError) {
            if checkpoint != nil { return true }
            let names = try fileSystem.names(in: folder) ?? []
            return names.contains(Self.descriptionName) || !Self.checkpoints(among: names).isEmpty
        }
    }

    /// Whether the folder, or the given checkpoint, exists. If the file system cannot answer, it counts as existing.
    public var hasFolder: Bool {
        do throws(FileSystemError) {
            return try fileSystem.status(of: checkpoint ?? folder) != nil
        } catch {
            return true
        }
    }

    /// The fingerprint of all files whose change means a new model.
    ///
    /// - Throws: ``FileSystemError`` if a file could not be examined, so that it is unknown whether anything changed.
    public var fingerprint: ModelFingerprint {
        get throws(FileSystemError) {
            var paths: [String] = []
            if let checkpoint {
                paths = [checkpoint] + (try shardPaths(ofIndex: checkpoint)) + (classes.map { [$0] } ?? [])
            }
            if checkpoint == nil || classes == nil {
                paths += (try fileSystem.names(in: folder) ?? []).filter(isModelFile).map { folder + "/" + $0 }
            }
            return try ModelFingerprint(paths: Set(paths).sorted(), in: fileSystem)
        }
    }

    private func isModelFile(_ name: String) -> Bool {
        if checkpoint != nil { return Self.classMapNames.contains(name) }
        return !name.hasPrefix(".") && !Self.companionSuffixes.contains(where: name.hasSuffix)
    }
}

/// The state of a model's files (path, size, time, inode). It shows whether they have changed without reading them.
public struct ModelFingerprint: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        let path: String
        let status: FileStatus
    }

    private let entries: [Entry]

    /// Examines each file once; a missing file has no entry.
    ///
    /// - Throws: ``FileSystemError`` if a file could not be examined.
    init(paths: [String], in fileSystem: any FileSystem = LocalFileSystem()) throws(FileSystemError) {
        var entries: [Entry] = []
        for path in paths {
            guard let status = try fileSystem.status(of: path), status.kind == .file else { continue }
            entries.append(Entry(path: path, status: status))
        }
        self.entries = entries
    }

    private init() { entries = [] }

    /// The fingerprint of no files.
    public static let none = ModelFingerprint()

    /// The total size of all files. Units: bytes.
    public var byteCount: Int { entries.reduce(0) { $0 + Int(clamping: $1.status.byteCount) } }

    /// Whether none of the files exist.
    public var isEmpty: Bool { entries.isEmpty }
}
