import Host
import Synchronization

/// The memory that all loaded models together may hold. Each model reserves its part.
final class MemoryBudget: Sendable {
    /// The limit; nil if there is none. Units: bytes.
    let limit: Int?
    private let held = Mutex(0)

    init(limit: Int?) { self.limit = limit }

    /// What is reserved now. Units: bytes.
    var byteCount: Int { held.withLock(\.self) }

    /// A model's part of the budget. It is given back when this is released.
    final class Reservation: Sendable {
        /// The size of the part. Units: bytes.
        let byteCount: Int
        private let budget: MemoryBudget

        fileprivate init(_ byteCount: Int, of budget: MemoryBudget) {
            self.byteCount = byteCount
            self.budget = budget
        }

        deinit { budget.held.withLock { $0 -= byteCount } }
    }

    /// Reserves memory for a model.
    func reserve(_ byteCount: Int) throws(MemoryBudgetError) -> Reservation {
        let error: MemoryBudgetError? = held.withLock { held in
            if let error = shortage(byteCount, held: held) { return error }
            held += byteCount
            return nil
        }
        if let error { throw error }
        return Reservation(byteCount, of: self)
    }

    /// Whether this many bytes would fit now.
    func fits(_ byteCount: Int) -> Bool { shortage(byteCount, held: self.byteCount) == nil }

    /// Refuses a model that needs at least this many bytes, before work is put into it.
    func check(_ byteCount: Int) throws(MemoryBudgetError) {
        if let error = shortage(byteCount, held: self.byteCount) { throw error }
    }

    private func shortage(_ byteCount: Int, held: Int) -> MemoryBudgetError? {
        guard let limit, byteCount > limit - held else { return nil }
        return MemoryBudgetError(needed: byteCount, held: held, limit: limit)
    }
}

/// A model does not fit into memory beside those that are loaded.
struct MemoryBudgetError: Error, Equatable, CustomStringConvertible {
    /// What the model to be loaded needs. Units: bytes.
    let needed: Int
    /// What the loaded versions hold, including those that only late requests use. Units: bytes.
    let held: Int
    /// The setting `models.memory_limit`. Units: bytes.
    let limit: Int

    var description: String {
        func text(_ byteCount: Int) -> String { "\((byteCount + (1 << 20) - 1) >> 20) MiB" }
        return
            "it takes \(text(needed)) of memory and the versions that are loaded hold \(text(held)), together more than "
            + "models.memory_limit, \(text(limit)); raise that, or take a model away"
    }
}

/// The memory that models may take, and the limits of their batches.
struct ModelLimits: Sendable, Equatable {
    /// All loaded models together; nil for no limit. Units: bytes.
    var memoryLimit: Int?
    /// The limits of batches, where a `model.json` sets none.
    var batching: Settings.Batching

    /// Limits that do not bound the memory by default.
    init(memoryLimit: Int? = nil, batching: Settings.Batching = Settings.Batching()) {
        self.memoryLimit = memoryLimit
        self.batching = batching
    }

    /// The settings' limits. If they set no limit for memory, it is 3/4 of what the kernel has available now.
    init(_ settings: Settings) {
        self.init(
            memoryLimit: settings.models.memoryLimit ?? AvailableMemory.current.map { $0 / 4 * 3 },
            batching: settings.batching)
    }
}
