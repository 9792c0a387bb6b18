import Synchronization
import Testing

@testable import HTTPServer

@Suite struct BodyBudgetTests {
    @Test func `a reservation takes what it can, and gives back what it has`() throws {
        let budget = BodyBudget(limit: 100, addressLimit: 60)
        let share = ClientAddress("10.0.0.1").map { AddressShare(owner: $0) }
        var first: BodyReservation? = BodyReservation(budget, share: share)
        #expect(try first?.grow(to: 50, orAtLeast: 10) == 50)
        #expect(try first?.grow(to: 40, orAtLeast: 10) == 50)
        // Not as much as wanted, but as much as needed.
        #expect(try first?.grow(to: 61, orAtLeast: 60) == 60)
        #expect(throws: RequestError.tooManyBodies(limit: 60, isShare: true)) { try first?.grow(to: 61, orAtLeast: 61) }
        let second = BodyReservation(budget)
        #expect(throws: RequestError.tooManyBodies(limit: 100, isShare: false)) {
            try second.grow(to: 41, orAtLeast: 41)
        }
        #expect(try second.grow(to: 40, orAtLeast: 1) == 40)
        #expect(budget.byteCount == 100)
        first = nil
        #expect(budget.byteCount == 40 && share?.isEmpty == true)
    }

    @Test func `room that others make is used`() throws {
        let budget = BodyBudget(limit: 10, addressLimit: 10)
        var other: BodyReservation? = BodyReservation(budget)
        _ = try other?.grow(to: 8, orAtLeast: 8)
        let asking = BodyReservation(budget) { shortage in
            #expect(shortage == .all)
            defer { other = nil }
            return other != nil
        }
        #expect(try asking.grow(to: 9, orAtLeast: 9) == 9)
        #expect(throws: RequestError.self) { try asking.grow(to: 11, orAtLeast: 11) }
    }

    /// Adding first and taking back afterwards would refuse the small ones that fit.
    @Test func `who asks for too much never stands in the way of those who fit`() async {
        let share = AddressShare(owner: ClientAddress(bits: 1))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<2 {
                group.addTask { (0..<100_000).allSatisfy { _ in !share.bodyBytes.add(100, upTo: 99) } }
                group.addTask {
                    (0..<100_000).allSatisfy { _ in
                        let isAdded = share.bodyBytes.add(1, upTo: 99)
                        if isAdded { share.bodyBytes.wrappingSubtract(1, ordering: .relaxed) }
                        return isAdded
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(share.isEmpty)
    }
}
