import Foundation

/// Random numbers that are the same in every run, on every machine, for the same seed and stream: xoshiro256**.
///
/// Whoever needs numbers derives a stream of his own from the seed and what he is working on (the epoch and the picture,
/// say), so that nobody's numbers depend on who asked before, nor on the number of threads:
///
///     var random = SeededGenerator(seed: seed, stream: epoch, picture)
///
/// - Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021; seeded by SplitMix64, as they
///   advise.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Equatable {
    private var state: (UInt64, UInt64, UInt64, UInt64)
    /// The second half of the last pair of normal numbers.
    private var spareNormal: Double?

    /// The stream that belongs to a seed and to any number of integers; other integers, or the same in another order, or
    /// more or fewer of them, give another stream.
    public init(seed: UInt64, stream: Int...) {
        var key = Self.mix(seed &+ Self.increment)
        for integer in stream { key = Self.mix((key ^ UInt64(bitPattern: Int64(integer))) &+ Self.increment) }
        // SplitMix64 never gives a number twice in its period, so the state cannot be all zero.
        self.init(
            state: (
                Self.mix(key &+ Self.increment), Self.mix(key &+ 2 &* Self.increment),
                Self.mix(key &+ 3 &* Self.increment), Self.mix(key &+ 4 &* Self.increment)
            ))
    }

    /// Continues from a state, of which at least one number is not zero.
    init(state: (UInt64, UInt64, UInt64, UInt64)) {
        precondition(state != (0, 0, 0, 0), "a generator whose state is zero gives nothing but zeros")
        self.state = state
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let scrambled = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return scrambled
    }

    /// Uniform in 0..<1: a multiple of 2⁻²⁴.
    public mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Uniform from `low`, to `high` at most.
    public mutating func uniform(from low: Float, to high: Float) -> Float { low + (high - low) * uniform() }

    /// Normal with mean 0 and deviation 1, by the method of Box and Muller.
    public mutating func normal() -> Float {
        if let spare = spareNormal {
            spareNormal = nil
            return Float(spare)
        }
        // The first lies in 0 < u ≤ 1, so that its logarithm is finite.
        let radius = (-2 * log(Double((next() >> 11) + 1) * 0x1p-53)).squareRoot()
        let angle = 2 * Double.pi * (Double(next() >> 11) * 0x1p-53)
        spareNormal = radius * sin(angle)
        return Float(radius * cos(angle))
    }

    /// Each of `0..<count` equally often.
    ///
    /// - Source: Lemire, "Fast random integer generation in an interval", 2019
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "no index lies below \(count)")
        let bound = UInt64(count)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let surplus = (0 &- bound) % bound
            while product.low < surplus { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// True with a probability.
    public mutating func chance(_ probability: Float) -> Bool { uniform() < probability }

    /// Puts elements into an order of which each is equally likely: Fisher and Yates's.
    ///
    /// The standard library's `shuffle(using:)` may change with the compiler, this does not.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, index(below: last + 1)) }
    }

    public static func == (one: Self, other: Self) -> Bool {
        one.state == other.state && one.spareNormal == other.spareNormal
    }

    /// SplitMix64's step, from one number of its sequence to the next.
    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// SplitMix64's output function.
    ///
    /// - Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
    static func mix(_ number: UInt64) -> UInt64 {
        var value = number
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    private static func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
        value << count | value >> (64 - count)
    }
}
