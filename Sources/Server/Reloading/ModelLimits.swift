/// What models may take.
public struct ModelLimits: Sendable, Equatable {
    /// All loaded models together; nil for no limit. Units: bytes.
    public var memoryLimit: Int?
    /// Images in one forward pass, where a `model.json` does not say.
    public var maxBatchSize: Int

    /// Without a limit of memory unless told.
    public init(memoryLimit: Int? = nil, maxBatchSize: Int = 32) {
        self.memoryLimit = memoryLimit
        self.maxBatchSize = maxBatchSize
    }

    /// The settings' limits; what the kernel leaves is asked now.
    init(_ settings: Settings) {
        self.init(
            memoryLimit: settings.models.memoryLimit ?? AvailableMemory.current.map { $0 / 4 * 3 },
            maxBatchSize: settings.batching.maxBatchSize)
    }
}
