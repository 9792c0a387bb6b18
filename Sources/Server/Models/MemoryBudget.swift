import Synchronization

/// What all loaded models together may hold in memory.
final class MemoryBudget: Sendable {
    /// Nil where there is no limit. Units: bytes.
    let limit: Int?
    private let held = Mutex(0)

    init(limit: Int?) { self.limit = limit }

    /// What is held now. Units: bytes.
    var byteCount: Int { held.withLock(\.self) }

    /// A model's part of the budget, until it is released.
    final class Share: Sendable {
        /// Units: bytes.
        let byteCount: Int
        private let budget: MemoryBudget

        fileprivate init(_ byteCount: Int, of budget: MemoryBudget) {
            self.byteCount = byteCount
            self.budget = budget
        }

        deinit { budget.held.withLock { $0 -= byteCount } }
    }

    /// Takes a share.
    func share(_ byteCount: Int) throws(MemoryBudgetError) -> Share {
        let error: MemoryBudgetError? = held.withLock { held in
            if let error = shortage(byteCount, held: held) { return error }
            held += byteCount
            return nil
        }
        if let error { throw error }
        return Share(byteCount, of: self)
    }

    /// Whether so much would fit now.
    func fits(_ byteCount: Int) -> Bool { shortage(byteCount, held: self.byteCount) == nil }

    /// Refuses what needs so much at least, before work is put into it.
    func check(_ byteCount: Int) throws(MemoryBudgetError) {
        if let error = shortage(byteCount, held: self.byteCount) { throw error }
    }

    private func shortage(_ byteCount: Int, held: Int) -> MemoryBudgetError? {
        guard let limit, byteCount > limit - held else { return nil }
        return MemoryBudgetError(needed: byteCount, held: held, limit: limit)
    }
}
