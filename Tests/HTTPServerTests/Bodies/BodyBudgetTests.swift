import Synchronization
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct BodyBudgetTests {
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

@Suite(.timeLimit(.minutes(1))) struct BodyPoolTests {
    private static let kibibyte = 1024

    /// An array of so much room, filled.
    private static func array(kibibytes: Int, of byte: UInt8 = 1) -> [UInt8] {
        var array: [UInt8] = []
        array.reserveCapacity(kibibytes * kibibyte)
        array.append(contentsOf: repeatElement(byte, count: kibibytes * kibibyte))
        return array
    }

    private static func address(_ array: [UInt8]) -> UnsafeRawPointer? { array.withUnsafeBytes(\.baseAddress) }

    @Test func `memory that is kept is used again, by the smallest that fits`() {
        let pool = BodyPool(limit: 2048 * Self.kibibyte)
        let addresses = [300, 200, 400].map { size in
            let array = Self.array(kibibytes: size)
            pool.keep(array)
            return Self.address(array)
        }
        var taken = [200, 150, 150, 150].map { pool.array(minimumCapacity: $0 * Self.kibibyte) }
        #expect(taken.allSatisfy { $0.isEmpty })
        for index in taken.indices { taken[index].append(7) }
        #expect(taken.prefix(3).map(Self.address) == [addresses[1], addresses[0], addresses[2]])
        #expect(!addresses.contains(Self.address(taken[3])))
    }

    @Test func `content that somebody still reads stays as it is`() {
        let pool = BodyPool(limit: 2048 * Self.kibibyte)
        let read = Self.array(kibibytes: 200, of: 5)
        for _ in 0..<2 { pool.keep(read) }
        for _ in 0..<2 {
            var taken = pool.array(minimumCapacity: 200 * Self.kibibyte)
            taken.append(contentsOf: repeatElement(9, count: 200 * Self.kibibyte))
        }
        #expect(read.allSatisfy { $0 == 5 })
    }

    @Test func `no more is kept than the limit, and what was kept longest goes first`() {
        let sizes = [170, 160, 150]
        let total = sizes.map { Self.array(kibibytes: $0).capacity }.reduce(0, +)
        for (limit, expected) in [(total, [150, 160, 170]), (total - 1, [150, 160])] {
            let pool = BodyPool(limit: limit)
            for size in sizes { pool.keep(Self.array(kibibytes: size)) }
            var found: [Int] = []
            while !pool.isEmpty {
                found.append(pool.array(minimumCapacity: Self.kibibyte * 140).capacity / Self.kibibyte)
            }
            #expect(found == expected)
        }
        let pool = BodyPool(limit: Self.array(kibibytes: 170).capacity)
        pool.keep(Self.array(kibibytes: 171))
        #expect(pool.isEmpty, "larger than the limit")
        pool.keep(Self.array(kibibytes: 100))
        #expect(pool.isEmpty, "too small to be worth it")
    }

    @Test func `a small body does not take the memory of a large one`() {
        let pool = BodyPool(limit: 2048 * Self.kibibyte)
        pool.keep(Self.array(kibibytes: 1024))
        _ = pool.array(minimumCapacity: 255 * Self.kibibyte)
        #expect(!pool.isEmpty)
        _ = pool.array(minimumCapacity: 257 * Self.kibibyte)
        #expect(pool.isEmpty)
    }
}
