extension ModelLimits {
    /// The settings' limits; what the kernel leaves is asked now.
    init(_ settings: Settings) {
        self.init(
            memoryLimit: settings.models.memoryLimit ?? AvailableMemory.current.map { $0 / 4 * 3 },
            maxBatchSize: settings.batching.maxBatchSize)
    }
}
