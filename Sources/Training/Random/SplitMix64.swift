import Files
import Foundation

/// A seeded pseudorandom number generator. A sequence depends only on the seed and a few integers, so the random
/// numbers for one image depend neither on threads nor on other images.
///
/// It has its own conversions to other types: a resumed training must continue bit for bit, and those of the standard
/// library may change.
/// - Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
public struct SplitMix64: RandomNumberGenerator, Sendable {
    /// What the numbers are used for. Each purpose has its own sequences.
    public enum Purpose: UInt64, Sendable {
        case order, augmentation, split, sample, initialization, dropout
    }

    /// The whole state of the generator.
    public private(set) var state: UInt64

    /// The sequence of a seed.
    public init(seed: UInt64) { state = seed }

    /// The sequence of a position, such as an image in an epoch. Other integers, or another order, give another
    /// sequence.
    public init(seed: UInt64, purpose: Purpose, _ place: Int...) {
        var state = Mix64.mix(seed &+ Mix64.increment)
        for part in [purpose.rawValue] + place.map({ UInt64(bitPattern: Int64($0)) }) {
            state = Mix64.mix((state ^ part) &+ Mix64.increment)
        }
        self.state = state
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        state &+= Mix64.increment
        return Mix64.mix(state)
    }

    /// A uniform number in 0..<1.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A uniform number in a range.
    public mutating func uniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * unit()
    }

    /// A uniform index in `0..<count`.
    public mutating func index(below count: Int) -> Int {
        precondition(count > 0, "there is no index below \(count)")
        return Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// True with this probability.
    public mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// A normal number of mean 0 and standard deviation 1 (Box and Muller 1958; one of the pair).
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return radius * cos(2 * .pi * unit())
    }

    /// The elements in random order (Fisher and Yates).
    public mutating func shuffled<T>(_ elements: [T]) -> [T] {
        var elements = elements
        for last in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(last, index(below: last + 1))
        }
        return elements
    }
}
