/// A tensor that is no weight, such as batch normalisation's `num_batches_tracked`: its type is not floating point.
public struct SkippedTensor: Sendable, Equatable {
    /// What it is called, without the prefixes that wrappers add.
    public let name: String
    /// PyTorch's or safetensors' name of its type: `int64`, `I64`.
    public let scalarName: String
}
