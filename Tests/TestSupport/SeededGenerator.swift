import Files

/// SplitMix64: the same seed gives the same numbers in every run.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// The same seed gives the same numbers.
    public init(seed: UInt64) { state = seed }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= Mix64.increment
        return Mix64.mix(state)
    }
}
