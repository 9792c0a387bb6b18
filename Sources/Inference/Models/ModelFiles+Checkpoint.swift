extension ModelFiles {
    /// Where the checkpoint is; nil where none can be found.
    public var checkpointPath: String? {
        var known = ModelDescription()
        if let description {
            guard let json = try? FileSnapshot.bytes(of: description, maxByteCount: ModelLoader.maxTextByteCount),
                let read = try? ModelDescription(json: json)
            else { return nil }
            known = read
        }
        return (try? resolve(known))?.checkpoint
    }

    /// The size of the checkpoint; nil where it cannot be found. Units: bytes.
    public var checkpointByteCount: Int? { checkpointPath.flatMap { FileSnapshot.byteCount(of: $0) } }
}
