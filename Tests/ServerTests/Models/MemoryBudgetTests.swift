import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct MemoryBudgetTests {
    @Test func `Reservations fit up to the limit, not a byte more, and come back when their models go`() throws {
        let budget = MemoryBudget(limit: 100)
        var first: MemoryBudget.Reservation? = try budget.reserve(60)
        #expect(first?.byteCount == 60)
        #expect(throws: MemoryBudgetError(needed: 41, held: 60, limit: 100)) { _ = try budget.reserve(41) }
        #expect(throws: MemoryBudgetError(needed: 41, held: 60, limit: 100)) { try budget.check(41) }
        try budget.check(40)
        let second = try budget.reserve(40)
        #expect(budget.byteCount == 100)
        first = nil
        #expect(budget.byteCount == 40)
        _ = try withExtendedLifetime(second) { try budget.reserve(60) }
    }

    @Test func `Without a limit everything fits`() throws {
        let budget = MemoryBudget(limit: nil)
        try budget.check(.max)
        #expect(try budget.reserve(1 << 60).byteCount == 1 << 60)
    }

    @Test func `The error tells what there is, what is wanted and which setting to change`() {
        let error = MemoryBudgetError(needed: (3 << 20) - 1, held: 2 << 20, limit: 4 << 20)
        #expect(
            error.description
                == "it takes 3 MiB of memory and the versions that are loaded hold 2 MiB, together more than "
                + "models.memory_limit, 4 MiB; raise that, or take a model away")
    }
}
