import Testing

@testable import HTTPServer

@Suite struct BodyBytesTests {
    private static let little = BodyPool.smallest

    /// The capacities that content of pieces passes through.
    private static func capacities(_ pieces: [Int], announced: Int?) -> [Int] {
        var bytes = BodyBytes(pool: BodyPool(limit: 0))
        var capacities: [Int] = []
        for count in pieces {
            [UInt8](repeating: 3, count: count).withUnsafeBytes { bytes.append($0, announced: announced) }
            if bytes.array.capacity != capacities.last { capacities.append(bytes.array.capacity) }
        }
        #expect(bytes.array == [UInt8](repeating: 3, count: pieces.reduce(0, +)))
        return capacities
    }

    @Test func `what was announced is set aside once a little has come, and not before`() {
        let announced = 10 * Self.little
        let pieces = [Int](repeating: Self.little / 4, count: 40)
        let capacities = Self.capacities(pieces, announced: announced)
        #expect(capacities.count == 2)
        #expect((Self.little..<Self.little * 2).contains(capacities[0]))
        #expect((announced..<announced + announced / 4).contains(capacities[1]))
    }

    @Test func `a short body is set aside at once`() {
        for announced in [1000, Self.little] {
            let capacities = Self.capacities([1, announced - 1], announced: announced)
            #expect(capacities.count == 1)
        }
    }

    @Test func `without an announcement memory doubles`() {
        let capacities = Self.capacities([Int](repeating: 10_000, count: 100), announced: nil)
        #expect(capacities.count <= 9)
        #expect(capacities[0] < 20_000)
    }

    @Test func `a promise counts from a little on`() {
        #expect(BodyBytes.allowance(Self.little, announced: 10 << 20) == Self.little)
        #expect(BodyBytes.allowance(Self.little + 1, announced: 10 << 20) == 10 << 20)
        #expect(BodyBytes.allowance(Self.little + 1, announced: nil) == Self.little + 1)
    }
}
