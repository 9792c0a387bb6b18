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

extension [UInt8] {
    /// Lends the bytes for the duration of a call; unlike `withUnsafeBytes`, it keeps the error's type.
    func withRawBytes<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        try withUnsafeBufferPointer { bytes throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}
