import Files

/// Why a model cannot be loaded.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The model's folder does not exist.
    case noFolder(path: String)
    /// A file or folder could not be examined, so it is unknown whether anything is wrong with it.
    case inaccessible(FileSystemError)
    /// A symbolic link to a file leaves the models directory.
    case linkLeavesDirectory(file: String)
    /// A file is a hard link to another user's.
    case foreignHardLink(file: String)
    /// The class map or `model.json` could not be read.
    case unreadable(FileError)
    /// The path given for a checkpoint is a folder.
    case checkpointIsFolder(path: String)
    /// The folder holds no checkpoint.
    case noCheckpoint(folder: String)
    /// The folder holds no checkpoint, but a file of another framework or an archive. `found` says what it is, as a
    /// phrase that continues "which".
    case foreignCheckpoint(folder: String, file: String, found: String)
    /// The folder holds several checkpoints, and `model.json` does not name one.
    case ambiguousCheckpoint(folder: String, files: [String])
    /// The folder holds shards of a checkpoint without their index. `shard` is the name of one of them.
    case shardsWithoutIndex(folder: String, shard: String)
    /// The folder holds no class map.
    case noClassMap(folder: String)
    /// `model.json` names a file outside its folder.
    case pathOutsideFolder(file: String)
    /// `model.json` names an architecture that is none of `known`.
    case unknownArchitecture(name: String, known: [String])
    /// `model.json` is invalid; the reason is the end of a sentence.
    case description(String)
    /// The checkpoint cannot be used.
    case checkpoint(file: String, CheckpointError)
    /// The class map cannot be used.
    case classes(file: String, ClassMapError)
    /// The preprocessing is invalid, or does not fit the network.
    case preprocessing(PreprocessingError)
    /// The warm-up run gave infinity or NaN.
    case nonFiniteOutput
    /// The network's arenas would take more than `limit`. Units: bytes.
    case tooLarge(byteCount: Int, limit: Int)

    public var description: String {
        switch self {
        case .noFolder(let path): "There is no model folder \(path)."
        case .inaccessible(let error): error.description + "."
        case .foreignHardLink(let file):
            "\(file) has several names (hard links) and belongs to another user than its folder, so it may be a private file; "
                + "copy it into the folder, or set models.follow_outside_links to true."
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
        case .nonFiniteOutput: "The network answers a grey or a noisy image with values that are not finite."
        case .tooLarge(let byteCount, let limit):
            "The network's activations would take \(byteCount >> 20) MiB; at most \(limit >> 20) MiB are used."
        }
    }
}

extension ModelError {
    /// Whether the error is transient: a file could not be examined or read, or it changed while it was read. A retry
    /// may succeed.
    public var isTransient: Bool {
        switch self {
        case .inaccessible: true
        case .unreadable(let error): error.isTransient
        case .checkpoint(_, let error): error.isTransient
        default: false
        }
    }

    /// The kind of error, as the end of a sentence. Any client may read it: it contains neither paths nor bytes of
    /// files.
    ///
    /// The details are in ``description``.
    public var reason: String {
        switch self {
        case .noFolder: "its folder is not there"
        case .inaccessible: "its files cannot be accessed for the moment"
        case .foreignHardLink: "one of its files is a hard link to another user's file"
        case .linkLeavesDirectory: "one of its files is a symbolic link that leads out of the models directory"
        case .unreadable(let error): error.isTransient ? Self.unread : "one of its text files cannot be read"
        case .foreignCheckpoint: "its folder holds no checkpoint but a file of another program's"
        case .checkpointIsFolder: "its checkpoint is a folder"
        case .noCheckpoint: "its folder holds no checkpoint"
        case .ambiguousCheckpoint: "its folder holds several checkpoints, and model.json does not say which counts"
        case .shardsWithoutIndex: "its folder holds shards without their index"
        case .noClassMap: "its folder holds no class map"
        case .pathOutsideFolder: "its model.json names a file outside the folder"
        case .unknownArchitecture: "its model.json asks for an unknown architecture"
        case .description, .preprocessing: "its model.json cannot be used"
        case .checkpoint(_, let error): error.reason
        case .classes(_, .countMismatch): "its class map has another number of names than the network has outputs"
        case .classes: "its class map cannot be used"
        case .nonFiniteOutput: "its network answers with values that are not finite"
        case .tooLarge: "its network's activations would take too much memory"
        }
    }

    fileprivate static let unread = "its files cannot be read for the moment"
}

extension FileError {
    /// See ``ModelError/isTransient``.
    var isTransient: Bool {
        switch self {
        case .unreadable(_, let reason): !FileSystemError.isAbsence(reason)
        case .changedWhileReading: true
        case .notAFile, .tooLarge, .notText: false
        }
    }
}

extension CheckpointError {
    /// See ``ModelError/isTransient``.
    var isTransient: Bool {
        switch self {
        case .file(let error): error.isTransient
        case .shard(_, let error): error.isTransient
        default: false
        }
    }

    /// See ``ModelError/reason``.
    fileprivate var reason: String {
        switch self {
        case .file(.unreadable): isTransient ? ModelError.unread : "its checkpoint is not there"
        case .file(.changedWhileReading): "its checkpoint changed while it was read"
        case .file(.notAFile): "its checkpoint is not a regular file"
        case .file(.tooLarge), .limitExceeded, .memoryLimit: "its checkpoint is too large"
        case .unknownFormat: "its checkpoint is not in a form that is read here"
        case .refusedGlobal, .refusedObject, .notATensor, .notAStateDictionary, .noTensors, .severalStateDictionaries:
            "its checkpoint holds objects that are not loaded"
        case .unsupportedScalarType, .quantizedTensor: "its checkpoint holds weights of a type that is not read"
        case .nonFinite, .negativeVariance: "its checkpoint holds weights that are not finite, or impossible"
        case .unknownArchitecture, .fitsNoArchitecture, .unservedNetwork: "its checkpoint fits no known network"
        case .severalNetworks: "its checkpoint holds several networks, and model.json does not say which counts"
        case .nothingUnderPrefix, .unsuitableInput: "its model.json does not fit its checkpoint"
        case .missingTensor, .unexpectedTensor, .shapeMismatch: "its checkpoint does not fit its network"
        case .shard(_, let error): error.reason
        default: "its checkpoint is damaged or incomplete"
        }
    }
}
