/// Turns the steps of a counter into numbers that look random: the core of SplitMix64.
///
/// Two counters never give the same number, and a counter never repeats one before it wraps. Not for secrets.
/// - Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
package enum Mix64 {
    /// What the counter advances by: odd, and without a pattern in its bits.
    package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// A permutation of all 64-bit numbers in which each bit depends on every other.
    @inlinable
    package static func mix(_ counter: UInt64) -> UInt64 {
        var value = counter
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
