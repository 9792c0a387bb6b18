import Files

/// A model's files as found at one point in time: `model.json` has been read, checkpoint and class map have only been
/// located.
public struct LocatedFiles: Sendable {
    /// The name under which the model is served.
    let name: String
    /// Overrides the preprocessing in `model.json`; nil to use that.
    let preprocessing: Preprocessing.Preset?
    /// The content of `model.json`.
    let description: ModelDescription
    /// The bytes of `model.json`; empty if there is none.
    let descriptionBytes: [UInt8]
    /// The checkpoint's path.
    public let checkpoint: String
    /// The class map's path.
    let classes: String
    /// The size of the checkpoint with its shards. Units: bytes.
    public let checkpointByteCount: Int
}

extension ModelFiles {
    /// Locates the model's files and reads `model.json`.
    ///
    /// - Throws: ``ModelError`` with the first problem. ``ModelError/inaccessible(_:)`` means that a file could not be
    ///   examined, so that nothing is known about it.
    public func located() throws(ModelError) -> LocatedFiles {
        do {
            return try find()
        } catch let error as ModelError {
            throw error
        } catch let error as FileSystemError {
            throw .inaccessible(error)
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// The checkpoint's path; nil if it cannot be located.
    public var checkpointPath: String? { (try? located())?.checkpoint }

    /// The size of the checkpoint with its shards; nil if it cannot be located. Units: bytes.
    public var checkpointByteCount: Int? { (try? located())?.checkpointByteCount }

    /// - Throws: ``ModelError``, or ``FileSystemError`` if a file could not be examined.
    private func find() throws -> LocatedFiles {
        try checkLinks([folder])
        let names = try fileSystem.names(in: folder)?.sorted() ?? []
        if let checkpoint, try fileSystem.status(of: checkpoint)?.kind == .folder {
            throw Self.foreignCheckpoint(in: checkpoint, names: try fileSystem.names(in: checkpoint)?.sorted() ?? [])
                ?? ModelError.checkpointIsFolder(path: checkpoint)
        }
        var (description, bytes) = (ModelDescription(), [UInt8]())
        if checkpoint == nil, names.contains(Self.descriptionName) {
            let path = folder + "/" + Self.descriptionName
            try checkLinks([path])
            let file = try read(path)
            bytes = file.bytes
            description = try ModelDescription(json: Array(file.text.utf8))
        }
        let paths = try resolve(description, names: names)
        try checkLinks([paths.checkpoint, paths.classes])
        let byteCount = try checkpointByteCount(at: paths.checkpoint)
        try checkIsFile(paths.classes)
        return LocatedFiles(
            name: name, preprocessing: preprocessing, description: description, descriptionBytes: bytes,
            checkpoint: paths.checkpoint, classes: paths.classes, checkpointByteCount: byteCount)
    }

    private func read(_ path: String) throws -> TextFile {
        try checkIsFile(path)
        do throws(FileError) {
            return try TextFile(contentsOf: path, maxByteCount: ModelDescription.maxByteCount)
        } catch {
            throw ModelError.unreadable(error)
        }
    }

    /// The size of a checkpoint and, where it is an index, of the shards that it names. Units: bytes.
    private func checkpointByteCount(at path: String) throws -> Int {
        guard let status = try fileSystem.status(of: path) else {
            throw ModelError.checkpoint(file: path, .file(.unreadable(file: path, reason: FileSystemError.missing)))
        }
        if let error = Self.refusal(of: path, status) { throw ModelError.checkpoint(file: path, .file(error)) }
        let shards = try shardPaths(ofIndex: path)
        try checkLinks(shards)
        return try shards.reduce(Int(clamping: status.byteCount)) { sum, shard in
            // A missing shard is an error when the index is read.
            sum + Int(clamping: try fileSystem.status(of: shard)?.byteCount ?? 0)
        }
    }

    /// Checks that a path is a regular file. Pipes and devices are never opened: opening one may block or have side
    /// effects.
    private func checkIsFile(_ path: String) throws {
        guard let status = try fileSystem.status(of: path) else {
            throw ModelError.unreadable(.unreadable(file: path, reason: FileSystemError.missing))
        }
        if let error = Self.refusal(of: path, status) { throw ModelError.unreadable(error) }
    }

    private static func refusal(of path: String, _ status: FileStatus) -> FileError? {
        switch status.kind {
        case .file: nil
        case .folder, .other: .notAFile(file: path)
        case .unreachable: .unreadable(file: path, reason: FileSystemError.denied)
        }
    }

    /// Checks that no link leaves the models directory. Such a link could make the program read any file, and answer with
    /// its lines as the names of classes.
    ///
    /// A symbolic link shows where it leads. Of a hard link only the owner tells: programs that save space link files of the
    /// same user, but a link to another user's file may be to a private one.
    private func checkLinks(_ paths: [String]) throws {
        guard let boundary, let root = try fileSystem.resolve(boundary) else { return }
        let prefix = root.hasSuffix("/") ? root : root + "/"
        let owner = try fileSystem.status(of: folder)?.owner
        for path in paths {
            // A missing file is an error when it is read.
            guard let resolved = try fileSystem.resolve(path) else { continue }
            guard (resolved + "/").hasPrefix(prefix) else { throw ModelError.linkLeavesDirectory(file: path) }
            if let status = try fileSystem.status(of: path), status.kind == .file, status.linkCount > 1,
                status.owner != owner
            {
                throw ModelError.foreignHardLink(file: path)
            }
        }
    }

    /// The paths of the shards that an index names; empty if the file is not a valid index.
    func shardPaths(ofIndex path: String) throws(FileSystemError) -> [String] {
        // Only a regular file is opened.
        guard path.hasSuffix(".json"), try fileSystem.status(of: path)?.kind == .file else { return [] }
        do throws(CheckpointError) {
            return try ShardedReader.paths(ofIndex: path)
        } catch {
            guard case .file(.unreadable(_, let reason)) = error, !FileSystemError.isAbsence(reason) else { return [] }
            throw FileSystemError(path: path, reason: reason)
        }
    }
}
