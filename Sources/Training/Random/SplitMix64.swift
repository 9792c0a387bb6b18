import Foundation

/// A sequence of random numbers that a few numbers determine, so that what is drawn for an image depends neither on threads
/// nor on what was drawn for another.
///
/// The conversions are its own, since the standard library's may change from release to release and a resumed training
/// has to go on bit for bit.
/// - Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
public struct SplitMix64: RandomNumberGenerator, Sendable {
    /// What numbers are drawn for: each has sequences of its own.
    public enum Purpose: UInt64, Sendable {
        case order, augmentation, split, sample, initialization, dropout
    }

    /// All there is to it: what a checkpoint has to keep.
    public private(set) var state: UInt64

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The same seed gives the same numbers.
    public init(seed: UInt64) { state = seed }

    /// The sequence of one thing, such as an image in an epoch: other integers, or the same in another order, give another.
    public init(seed: UInt64, purpose: Purpose, _ place: Int...) {
        var state = Self.mix(seed &+ Self.increment)
        for part in [purpose.rawValue] + place.map({ UInt64(bitPattern: Int64($0)) }) {
            state = Self.mix((state ^ part) &+ Self.increment)
        }
        self.state = state
    }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mix(state)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// The next number in 0..<1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The next number of a range.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// The next index of `0..<count`.
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "there is no index below \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// True with this probability.
    public mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// The next number of mean 0 and deviation 1 (Box and Muller 1958; one of the pair).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }

    /// The elements in a random order (Fisher and Yates).
    public mutating func shuffled<T>(_ elements: [T]) -> [T] {
        var elements = elements
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, index(below: last + 1))
        }
        return elements
    }
}
