import Files

extension ModelError {
    /// Whether nothing is known yet: a file could not be looked at or read, or changed meanwhile. Another try may end otherwise.
    public var isPassing: Bool {
        switch self {
        case .cannotLook: true
        case .unreadable(let error): error.isPassing
        case .checkpoint(_, let error): error.isPassing
        default: false
        }
    }

    /// What kind of thing is wrong, as the end of a sentence for whoever may ask the server: without a path and without a byte of any
    /// file. ``description`` has the details.
    public var reason: String {
        switch self {
        case .noFolder: "its folder is not there"
        case .cannotLook: "its files cannot be looked at for the moment"
        case .linkLeavesDirectory: "one of its files is a symbolic link that leads out of the models directory"
        case .unreadable(let error): error.isPassing ? Self.unread : "one of its text files cannot be read"
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
    /// See ``ModelError/isPassing``.
    var isPassing: Bool {
        switch self {
        case .unreadable(_, let reason): !FileSystemError.isAbsence(reason)
        case .changedWhileReading: true
        case .notAFile, .tooLarge, .notText: false
        }
    }
}

extension CheckpointError {
    /// See ``ModelError/isPassing``.
    var isPassing: Bool {
        switch self {
        case .file(let error): error.isPassing
        case .shard(_, let error): error.isPassing
        default: false
        }
    }

    /// See ``ModelError/reason``.
    fileprivate var reason: String {
        switch self {
        case .file(.unreadable): isPassing ? ModelError.unread : "its checkpoint is not there"
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
