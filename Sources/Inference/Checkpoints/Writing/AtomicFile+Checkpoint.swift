import Files

extension AtomicFile {
    /// Adds bytes of a checkpoint.
    func add(_ bytes: UnsafeRawBufferPointer) throws(CheckpointWriteError) {
        do {
            try write(bytes)
        } catch {
            throw .file(error)
        }
    }

    /// Adds bytes of a checkpoint.
    func add(_ bytes: [UInt8]) throws(CheckpointWriteError) {
        try bytes.withRawBytes { bytes throws(CheckpointWriteError) in try add(bytes) }
    }
}
