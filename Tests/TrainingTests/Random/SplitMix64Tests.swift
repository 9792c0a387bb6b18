import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct SplitMix64Tests {
    @Test func `the numbers are the published algorithm's`() {
        // The first outputs for seed 1234567, as in Vigna's splitmix64.c.
        var generator = SplitMix64(seed: 1_234_567)
        let numbers = (0..<3).map { _ in generator.next() }
        #expect(
            numbers == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
    }

    @Test func `each seed, epoch, index and purpose has a sequence of its own`() {
        var seen: Set<UInt64> = []
        for seed in 0..<4 as Range<UInt64> {
            for epoch in 0..<4 {
                for index in 0..<4 {
                    for purpose in [SplitMix64.Purpose.order, .augmentation] {
                        var generator = SplitMix64(seed: seed, purpose: purpose, epoch, index)
                        seen.insert(generator.next())
                    }
                }
            }
        }
        #expect(seen.count == 128)
    }

    @Test func `numbers stay in their ranges and spread over them`() {
        var generator = SplitMix64(seed: 5)
        var counts = [0, 0, 0]
        var (sum, squares) = (0.0, 0.0)
        for _ in 0..<30_000 {
            counts[generator.index(below: 3)] += 1
            let (unit, uniform) = (generator.unit(), generator.uniform(-2...3))
            #expect((0..<1).contains(unit))
            #expect((-2...3).contains(uniform))
            let normal = generator.normal()
            sum += normal
            squares += normal * normal
        }
        #expect(counts.allSatisfy { (9_700...10_300).contains($0) })
        #expect(abs(sum / 30_000) < 0.02)
        #expect(abs(squares / 30_000 - 1) < 0.04)
        let (two, never, always) = (generator.uniform(2...2), generator.chance(0), generator.chance(1))
        #expect(two == 2)
        #expect(!never)
        #expect(always)
    }

    @Test func `an epoch's order is a permutation of its own`() {
        let sampler = EpochSampler(count: 50, seed: 9)
        #expect(sampler.order(epoch: 0).sorted() == Array(0..<50))
        #expect(sampler.order(epoch: 0) == EpochSampler(count: 50, seed: 9).order(epoch: 0))
        #expect(sampler.order(epoch: 0) != sampler.order(epoch: 1))
        #expect(sampler.order(epoch: 0) != EpochSampler(count: 50, seed: 10).order(epoch: 0))
        #expect(EpochSampler(count: 0, seed: 1).order(epoch: 3).isEmpty)
    }
}
