/// The order in which an epoch takes the pictures: a permutation that seed and epoch determine, so that training resumes
/// at any step.
public struct EpochSampler: Sendable, Equatable {
    /// How many pictures there are.
    public let count: Int
    /// Determines the permutations.
    public let seed: UInt64

    /// Permutes `0..<count`.
    public init(count: Int, seed: UInt64) {
        self.count = count
        self.seed = seed
    }

    /// Each index once.
    public func order(epoch: Int) -> [Int] {
        var generator = SplitMix64(seed: seed, purpose: .order, epoch)
        return generator.shuffled(Array(0..<count))
    }
}
