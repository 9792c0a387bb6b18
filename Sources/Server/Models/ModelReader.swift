import Inference

/// Reads a model from its files.
///
/// ``Inference/ModelLoader`` does; the simulation has its own (Tests/Simulation).
protocol ModelReader: Sendable {
    /// Reads a model.
    ///
    /// - Parameter check: called with the size of the checkpoint before it is read; what it throws ends the reading.
    ///   Units: bytes.
    /// - Throws: ``Inference/ModelError``, or the error of `check`.
    func read(_ files: ModelFiles, check: (_ checkpointByteCount: Int) throws -> Void) throws -> Model
}

extension ModelLoader: ModelReader {
    func read(_ files: ModelFiles, check: (_ checkpointByteCount: Int) throws -> Void) throws -> Model {
        let located = try files.located()
        try check(located.checkpointByteCount)
        return try load(located)
    }
}
