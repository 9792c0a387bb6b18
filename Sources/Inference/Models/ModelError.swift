import Files

/// A model cannot be loaded.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case noFolder(path: String)
    /// Whether anything is wrong is not known.
    case cannotLook(FileSystemError)
    case linkLeavesDirectory(file: String)
    /// What became of reading the class map or `model.json`.
    case unreadable(FileError)
    case checkpointIsFolder(path: String)
    case noCheckpoint(folder: String)
    /// A folder with another framework's file, or an archive, instead of a checkpoint.
    case foreignCheckpoint(folder: String, file: String, found: String)
    case ambiguousCheckpoint(folder: String, files: [String])
    case shardsWithoutIndex(folder: String, shard: String)
    case noClassMap(folder: String)
    case pathOutsideFolder(file: String)
    case unknownArchitecture(name: String, known: [String])
    /// What is wrong with `model.json`, as the end of a sentence.
    case description(String)
    case checkpoint(file: String, CheckpointError)
    case classes(file: String, ClassMapError)
    case preprocessing(PreprocessingError)
    case nonFiniteOutput
    case tooLarge(byteCount: Int, limit: Int)

    public var description: String {
        switch self {
        case .noFolder(let path): "There is no model folder \(path)."
        case .cannotLook(let error): error.description + "."
        case .linkLeavesDirectory(let file):
            "\(file) is or lies behind a symbolic link that leads out of the models directory; put a copy there, or set "
                + "models.follow_outside_links to true."
        case .unreadable(let error): error.description + "."
        case .checkpointIsFolder(let path):
            "\(path) is a folder, not a checkpoint; name a model folder with --model, or serve its parent with --models."
        case .noCheckpoint(let folder):
            "\(folder) holds no checkpoint; put a .pth, .pt, .safetensors, .npz or .npy file there, or name one in model.json."
        case .foreignCheckpoint(let folder, let file, let found):
            "\(folder) holds no checkpoint, but \(file), which \(found)."
        case .ambiguousCheckpoint(let folder, let files):
            "\(folder) holds \(files.joined(separator: " and ")); say in model.json which is the \"checkpoint\"."
        case .shardsWithoutIndex(let folder, let shard):
            "\(folder) holds \(shard), one shard of several, without model.safetensors.index.json, which says what lies where."
        case .noClassMap(let folder):
            "\(folder) holds no class_indices.json; write one there, as {\"0\": \"daisy\", …}; with --checkpoint, --classes names "
                + "one anywhere."
        case .pathOutsideFolder(let file):
            "model.json names \(file), which is not a plain file name; files stand beside model.json."
        case .unknownArchitecture(let name, let known):
            "model.json asks for architecture \"\(name)\"; known are \(known.joined(separator: ", "))."
        case .description(let reason): "model.json cannot be used: \(reason)."
        case .checkpoint(let file, let error):
            error.description.hasPrefix(file) ? error.description + "." : "\(file): \(error.description)."
        case .classes(let file, let error): "\(file): \(error.description)"
        case .preprocessing(let error): error.description
        case .nonFiniteOutput: "The network answers a grey or a noisy picture with values that are not finite."
        case .tooLarge(let byteCount, let limit):
            "The network's activations would take \(byteCount >> 20) MiB; at most \(limit >> 20) MiB are used."
        }
    }
}
