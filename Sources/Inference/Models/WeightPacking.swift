/// How linear layers are made out of a checkpoint's tensors where they do not keep them as they lie.
struct WeightPacking: Sendable {
    private let precision: Precision
    private let workers: WorkerPool

    /// - Returns: nil for float32, which is read in place.
    init?(_ precision: Precision, workers: WorkerPool) {
        guard precision != .float32 else { return nil }
        self.precision = precision
        self.workers = workers
    }

    /// Packs a linear layer's finite weights.
    ///
    /// - Parameter isOutput: whether the layer's outputs are the network's.
    func pack(_ weight: Tensor, isOutput: Bool) -> PackedWeights {
        PackedWeights(weight, as: precision == .int8 && !isOutput ? .int8 : .float16, workers: workers)
    }
}
