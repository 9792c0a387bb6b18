import Testing

@testable import Server

@Suite("What models may hold in memory")
struct MemoryBudgetTests {
    @Test("Shares fit up to the limit, not a byte more, and come back when their models go")
    func shares() throws {
        let budget = MemoryBudget(limit: 100)
        var share: MemoryBudget.Share? = try budget.share(60)
        #expect(share?.byteCount == 60)
        #expect(throws: MemoryBudgetError(needed: 41, held: 60, limit: 100)) { _ = try budget.share(41) }
        #expect(throws: MemoryBudgetError(needed: 41, held: 60, limit: 100)) { try budget.check(41) }
        try budget.check(40)
        let second = try budget.share(40)
        #expect(budget.byteCount == 100)
        share = nil
        #expect(budget.byteCount == 40)
        _ = try withExtendedLifetime(second) { try budget.share(60) }
    }

    @Test("Without a limit everything fits")
    func unlimited() throws {
        let budget = MemoryBudget(limit: nil)
        try budget.check(.max)
        #expect(try budget.share(1 << 60).byteCount == 1 << 60)
    }

    @Test("The error tells what there is, what is wanted and which setting to change")
    func description() {
        let error = MemoryBudgetError(needed: (3 << 20) - 1, held: 2 << 20, limit: 4 << 20)
        #expect(
            error.description
                == "it takes 3 MiB of memory and the versions that are loaded hold 2 MiB, together more than "
                + "models.memory_limit, 4 MiB; raise that, or take a model away")
    }
}
