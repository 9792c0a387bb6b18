import Threads

/// In what form linear layers keep a checkpoint's weights.
struct WeightPacking: Sendable {
    private let precision: Precision
    private let workers: WorkerPool

    /// The largest ``PackedWeights/relativeError`` that float32 overlooks: a sum of a few thousand float32 products is no
    /// closer to the true one.
    static let float32ErrorLimit: Float = 1e-6

    init(_ precision: Precision, workers: WorkerPool) {
        self.precision = precision
        self.workers = workers
    }

    /// Packs a linear layer's finite weights.
    ///
    /// With float32 they take the fewest bytes that lose nothing that counts: two where they were float16 before, three
    /// where an output's weights are of similar size, else four.
    /// - Parameter isOutput: whether the layer's outputs are the network's.
    func pack(_ weight: Tensor, isOutput: Bool) -> PackedWeights {
        switch precision {
        case .float32:
            for element in [PackedWeights.Element.float16, .int24] {
                let packed = PackedWeights(
                    weight, as: element, workers: workers, errorLimit: Self.float32ErrorLimit)
                if let packed { return packed }
            }
            return PackedWeights(weight, as: .float32, workers: workers)
        case .float16: return PackedWeights(weight, as: .float16, workers: workers)
        case .int8: return PackedWeights(weight, as: isOutput ? .float16 : .int8, workers: workers)
        }
    }
}
