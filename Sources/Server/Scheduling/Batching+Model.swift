import Inference

extension Settings.Batching {
    /// These limits, but for those that a model sets for itself.
    func applying(_ own: BatchingDescription) -> Self {
        var limits = self
        if let maxBatchSize = own.maxBatchSize { limits.maxBatchSize = maxBatchSize }
        if let queueCapacity = own.queueCapacity { limits.queueCapacity = queueCapacity }
        return limits
    }
}
