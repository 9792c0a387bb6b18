import Foundation

/// Where a model's files are: a folder, or the two files that a tutorial leaves behind.
public struct ModelFiles: Sendable, Equatable {
    /// The name to serve it under.
    public let name: String
    /// `model.json`, if there is one now.
    var description: String? {
        guard checkpoint == nil, let path = folder.map({ $0 + "/model.json" }),
            FileManager.default.fileExists(atPath: path)
        else { return nil }
        return path
    }
    /// Overrules what `model.json` says.
    let preprocessing: Preprocessing.Preset?
    private let folder: String?
    private let checkpoint: String?
    private let classes: String?

    /// The files that count as checkpoints where `model.json` names none.
    private static let checkpointSuffixes = [".pth", ".pt", ".safetensors", ".npz", ShardIndex.suffix]
    /// Those that often mean other things: they count where there is none of the former.
    private static let otherCheckpointSuffixes = [".npy", ".bin", ".ckpt", ".pth.tar"]
    /// What may lie beside a model without being part of it: what it is and how it was trained.
    private static let companionSuffixes = [".md", ".py", ".csv", ".svg", ".png", ".resume"]
    /// In the order in which they are looked for: the program's own, TorchServe's, Keras', and what tutorials call a list.
    private static let classMapNames = [
        "class_indices.json", "classes.json", "index_to_name.json", "imagenet_class_index.json", "labels.txt",
        "classes.txt", "imagenet_classes.txt",
    ]

    /// A model folder; its name is the model's.
    public init(folder: String, preprocessing: Preprocessing.Preset? = nil) throws(ModelError) {
        let url = URL(fileURLWithPath: folder).standardizedFileURL
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw ModelError.noFolder(path: folder)
        }
        self.init(
            name: url.lastPathComponent, preprocessing: preprocessing, folder: url.path, checkpoint: nil, classes: nil)
    }

    /// A checkpoint and a class map; without the latter, the one beside the checkpoint.
    public init(checkpoint: String, classes: String?, preprocessing: Preprocessing.Preset? = nil) {
        let url = URL(fileURLWithPath: checkpoint).standardizedFileURL
        self.init(
            name: Self.name(ofFile: url.lastPathComponent), preprocessing: preprocessing,
            folder: url.deletingLastPathComponent().path, checkpoint: url.path, classes: classes)
    }

    /// The file's name without what tells its format.
    private static func name(ofFile file: String) -> String {
        for suffix in [ShardIndex.suffix, ".pth.tar"] where file.hasSuffix(suffix) && file.count > suffix.count {
            return String(file.dropLast(suffix.count))
        }
        return URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    }

    private init(
        name: String, preprocessing: Preprocessing.Preset?, folder: String?,
        checkpoint: String?, classes: String?
    ) {
        self.name = name
        self.preprocessing = preprocessing
        self.folder = folder
        self.checkpoint = checkpoint
        self.classes = classes
    }

    /// Finds the checkpoint and the class map.
    func resolve(_ description: ModelDescription) throws(ModelError) -> (checkpoint: String, classes: String) {
        let folder = folder ?? "."
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return (
            try resolveCheckpoint(description, folder: folder, names: names),
            try resolveClasses(description, folder: folder, names: names)
        )
    }

    private func resolveCheckpoint(
        _ description: ModelDescription, folder: String, names: [String]
    ) throws(ModelError) -> String {
        if let checkpoint {
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: checkpoint, isDirectory: &isDirectory), isDirectory.boolValue {
                let inside = (try? FileManager.default.contentsOfDirectory(atPath: checkpoint)) ?? []
                throw Self.foreignCheckpoint(in: checkpoint, names: inside.sorted())
                    ?? ModelError.checkpointIsFolder(path: checkpoint)
            }
            return checkpoint
        }
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

    private static func foreignCheckpoint(in folder: String, names: [String]) -> ModelError? {
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
        if description != nil || checkpoint != nil { return true }
        let names = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
        return !Self.checkpoints(among: names).isEmpty
    }

    /// Whether the folder is there, whatever is in it; of a checkpoint without one, whether the checkpoint is.
    public var hasFolder: Bool {
        // A file system that cannot answer now has not lost it.
        access(checkpoint ?? folder ?? "", F_OK) == 0 || errno != ENOENT
    }

    /// Every file whose change means another model, with what tells that it changed; order is that of the names.
    public var fingerprint: ModelFingerprint {
        var paths: [String] = []
        if let checkpoint {
            paths = [checkpoint] + ShardedReader.paths(ofIndex: checkpoint) + (classes.map { [$0] } ?? [])
        }
        if checkpoint == nil || classes == nil, let folder {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            paths += names.filter(isModelFile).map { folder + "/" + $0 }
        }
        return ModelFingerprint(paths: Set(paths).sorted())
    }

    private func isModelFile(_ name: String) -> Bool {
        if checkpoint != nil { return Self.classMapNames.contains(name) }
        return !name.hasPrefix(".") && !Self.companionSuffixes.contains(where: name.hasSuffix)
    }
}
