import Testing

@testable import Training

@Suite struct SeededGeneratorTests {
    @Test func `it gives the numbers of its authors' reference`() {
        var generator = SeededGenerator(state: (1, 2, 3, 4))
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777,
            2_904_607_092_377_533_576,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    @Test func `its seed is mixed as in SplitMix64`() {
        let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
        let numbers = (1...3).map { SeededGenerator.mix(1_234_567 &+ $0 &* increment) }
        #expect(numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func `the same seed and stream give the same numbers`() {
        var one = SeededGenerator(seed: 7, stream: 1, 2)
        var other = SeededGenerator(seed: 7, stream: 1, 2)
        for _ in 0..<100 { #expect(one.next() == other.next()) }
        #expect(one == other)
    }

    @Test func `other seeds, orders, lengths and signs give other streams`() {
        var generators = [
            SeededGenerator(seed: 0), SeededGenerator(seed: 1), SeededGenerator(seed: 0, stream: 0),
            SeededGenerator(seed: 0, stream: 0, 0), SeededGenerator(seed: 0, stream: 0, 1),
            SeededGenerator(seed: 0, stream: 1, 0), SeededGenerator(seed: 0, stream: -1),
            SeededGenerator(seed: 1, stream: 0), SeededGenerator(seed: 1, stream: 1),
        ]
        #expect(Set(generators.indices.map { generators[$0].next() }).count == generators.count)
    }

    @Test func `neighbouring streams are independent`() {
        // The means of 1,000 streams of 100 numbers scatter as independent ones do: deviation 1 / √1200.
        let means = (0..<1000).map { picture in
            var generator = SeededGenerator(seed: 3, stream: picture)
            return (0..<100).reduce(0.0) { sum, _ in sum + Double(generator.uniform()) } / 100
        }
        let mean = means.reduce(0, +) / 1000
        let variance = means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 999
        #expect(abs(mean - 0.5) < 0.004)
        #expect(abs(variance * 1200 - 1) < 0.2)
    }

    @Test func `uniform numbers fill their range evenly`() {
        var generator = SeededGenerator(seed: 5)
        let numbers = (0..<100_000).map { _ in Double(generator.uniform(from: -2, to: 4)) }
        #expect(numbers.allSatisfy { $0 >= -2 && $0 <= 4 })
        let mean = numbers.reduce(0, +) / 100_000
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100_000
        #expect(abs(mean - 1) < 0.03)
        #expect(abs(variance - 3) < 0.05)
    }

    @Test func `normal numbers have the moments of the bell`() {
        var generator = SeededGenerator(seed: 11)
        let numbers = (0..<200_000).map { _ in Double(generator.normal()) }
        let moment = { (power: Int) in
            numbers.reduce(0) { sum, number in sum + (0..<power).reduce(1) { product, _ in product * number } }
                / 200_000
        }
        #expect(abs(moment(1)) < 0.01)
        #expect(abs(moment(2) - 1) < 0.02)
        #expect(abs(moment(3)) < 0.05)
        #expect(abs(moment(4) - 3) < 0.12)
        // Neighbours of one pair are not correlated.
        let product = stride(from: 0, to: 200_000, by: 2).reduce(0) { $0 + numbers[$1] * numbers[$1 + 1] } / 100_000
        #expect(abs(product) < 0.015)
    }

    @Test func `indices fall equally often`() {
        var generator = SeededGenerator(seed: 13)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[generator.index(below: 7)] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
        #expect(generator.index(below: 1) == 0)
    }

    @Test func `half of even chances are taken`() {
        var generator = SeededGenerator(seed: 17)
        let count = (0..<10_000).count { _ in generator.chance(0.5) }
        #expect(abs(count - 5000) < 200)
        #expect(!(0..<1000).contains { _ in generator.chance(0) })
        #expect((0..<1000).allSatisfy { _ in generator.chance(1) })
    }

    @Test func `a shuffle keeps the elements and makes each order equally often`() {
        var generator = SeededGenerator(seed: 19)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<6000 {
            var elements = [0, 1, 2]
            generator.shuffle(&elements)
            counts[elements, default: 0] += 1
        }
        #expect(counts.count == 6)
        #expect(counts.values.allSatisfy { abs($0 - 1000) < 150 })
    }
}
