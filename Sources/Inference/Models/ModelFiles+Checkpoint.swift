extension ModelFiles {
    /// Where the checkpoint is; nil where none can be found.
    public var checkpointPath: String? {
        var known = ModelDescription()
        if let description {
            guard
                let file = try? TextFile(contentsOf: description, maxByteCount: ModelDescription.maxByteCount),
                let read = try? ModelDescription(json: Array(file.text.utf8))
            else { return nil }
            known = read
        }
        return (try? resolve(known))?.checkpoint
    }

    /// The size of the checkpoint with its shards; nil where it cannot be found. Units: bytes.
    public var checkpointByteCount: Int? {
        guard let path = checkpointPath, let byteCount = FileSnapshot.byteCount(of: path) else { return nil }
        return ShardedReader.paths(ofIndex: path).reduce(byteCount) { $0 + (FileSnapshot.byteCount(of: $1) ?? 0) }
    }
}
