import Files
import Foundation

/// Where a model's files are: a folder, or the two files that a tutorial leaves behind.
public struct ModelFiles: Sendable, Equatable {
    /// The name to serve it under.
    public let name: String
    /// Overrules what `model.json` says.
    let preprocessing: Preprocessing.Preset?
    /// Where everything lies that is not named.
    let folder: String
    let checkpoint: String?
    private let classes: String?
    /// The directory that no symbolic link may lead out of; nil where links may lead anywhere.
    let boundary: String?
    let fileSystem: any FileSystem

    /// The files that count as checkpoints where `model.json` names none.
    private static let checkpointSuffixes = [".pth", ".pt", ".safetensors", ".npz", ShardIndex.suffix]
    /// Those that often mean other things: they count where there is none of the former.
    private static let otherCheckpointSuffixes = [".npy", ".bin", ".ckpt", ".pth.tar"]
    /// What may lie beside a model without being part of it: what it is and how it was trained.
    private static let companionSuffixes = [".md", ".py", ".csv", ".svg", ".png", ".resume"]
    /// What says how the model is to be read.
    static let descriptionName = "model.json"
    /// In the order in which they are looked for: the program's own, TorchServe's, Keras', and what tutorials call a list.
    private static let classMapNames = [
        "class_indices.json", "classes.json", "index_to_name.json", "imagenet_class_index.json", "labels.txt",
        "classes.txt", "imagenet_classes.txt",
    ]

    /// A model folder; its name is the model's.
    ///
    /// - Parameter boundary: the directory that no symbolic link of the model may lead out of; nil lets links lead anywhere.
    /// - Throws: ``ModelError/noFolder(path:)``, or ``ModelError/cannotLook(_:)`` where that is not known.
    public init(
        folder: String, preprocessing: Preprocessing.Preset? = nil, boundary: String? = nil,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(ModelError) {
        let url = URL(fileURLWithPath: folder).standardizedFileURL
        let status: FileStatus?
        do throws(FileSystemError) {
            status = try fileSystem.status(of: url.path)
        } catch {
            throw ModelError.cannotLook(error)
        }
        guard status?.kind == .folder else { throw ModelError.noFolder(path: folder) }
        self.init(
            name: url.lastPathComponent, preprocessing: preprocessing, folder: url.path, checkpoint: nil, classes: nil,
            boundary: boundary, fileSystem: fileSystem)
    }

    /// A model folder that is known to be there, though it could not be looked at.
    public init(
        unseenFolder folder: String, boundary: String? = nil, fileSystem: any FileSystem = LocalFileSystem()
    ) {
        let url = URL(fileURLWithPath: folder).standardizedFileURL
        self.init(
            name: url.lastPathComponent, preprocessing: nil, folder: url.path, checkpoint: nil, classes: nil,
            boundary: boundary, fileSystem: fileSystem)
    }

    /// A checkpoint and a class map; without the latter, the one beside the checkpoint.
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

    /// The file's name without what tells its format.
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

    /// Finds the checkpoint and the class map.
    ///
    /// - Parameter names: what is in the folder, sorted.
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

    /// The files that a model may be loaded from; where there is an index, its shards are none of them.
    ///
    /// Hidden files are none: macOS puts `._model.pth` beside `model.pth` on other file systems, and downloads lie there as
    /// `.model.pth.part` or the like until they are whole.
    private static func checkpoints(among names: [String]) -> [String] {
        let names = names.filter { !$0.hasPrefix(".") }
        let found = names.filter { name in checkpointSuffixes.contains { name.hasSuffix($0) } }
        if found.isEmpty { return names.filter { name in otherCheckpointSuffixes.contains { name.hasSuffix($0) } } }
        let hasIndex = found.contains { $0.hasSuffix(ShardIndex.suffix) }
        return hasIndex ? found.filter { !ShardIndex.isShard($0) } : found
    }

    /// What people put where a checkpoint is expected.
    private static let foreignSuffixes = [
        ".h5", ".hdf5", ".keras", ".onnx", ".pb", ".tflite", ".caffemodel", ".mat", ".params", ".t7", ".pkl", ".gz",
        ".xz",
        ".zst", ".bz2", ".tar", ".tgz", ".7z", ".rar",
    ]

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

    /// A model's files stand in its folder: a `model.json` from elsewhere shall not open any other.
    private func path(of name: String, in folder: String) throws(ModelError) -> String {
        guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
            throw ModelError.pathOutsideFolder(file: name)
        }
        return folder + "/" + name
    }

    /// Whether the folder looks like a model's at all.
    public var holdsModel: Bool {
        get throws(FileSystemError) {
            if checkpoint != nil { return true }
            let names = try fileSystem.names(in: folder) ?? []
            return names.contains(Self.descriptionName) || !Self.checkpoints(among: names).isEmpty
        }
    }

    /// Whether the folder is there, whatever is in it; of a checkpoint without one, whether the checkpoint is. A file system
    /// that cannot answer now has not lost it.
    public var hasFolder: Bool {
        do throws(FileSystemError) {
            return try fileSystem.status(of: checkpoint ?? folder) != nil
        } catch {
            return true
        }
    }

    /// Every file whose change means another model, with what tells that it changed; order is that of the names.
    ///
    /// - Throws: ``FileSystemError`` where one of them could not be looked at: whether anything changed is not known then.
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
