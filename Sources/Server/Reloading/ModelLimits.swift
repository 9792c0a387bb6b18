import Host

/// What models may take.
struct ModelLimits: Sendable, Equatable {
    /// All loaded models together; nil for no limit. Units: bytes.
    var memoryLimit: Int?
    /// The limits of batches, where a `model.json` does not say.
    var batching: Settings.Batching

    /// Without a limit of memory unless told.
    init(memoryLimit: Int? = nil, batching: Settings.Batching = Settings.Batching()) {
        self.memoryLimit = memoryLimit
        self.batching = batching
    }

    /// The settings' limits; what the kernel leaves is asked now.
    init(_ settings: Settings) {
        self.init(
            memoryLimit: settings.models.memoryLimit ?? AvailableMemory.current.map { $0 / 4 * 3 },
            batching: settings.batching)
    }
}
