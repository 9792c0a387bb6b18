/// Other floating-point formats to float32, bit by bit: without branches, so that loops over them vectorise on any
/// processor.
///
/// - Source: IEEE 754-2019, §3.4
enum ScalarConversion {
    /// Exact. A float16 has 5 bits of exponent with bias 15, and 10 bits of fraction.
    @inline(__always)
    static func float(float16 bits: UInt16) -> Float {
        let magnitude = UInt32(bits & 0x7FFF) << 13
        // Rebiased by 112; infinities and NaNs, whose exponent is 31, once more to reach 255.
        let rebias: UInt32 = magnitude >= 0x0F80_0000 ? 224 << 23 : 112 << 23
        let normal = magnitude &+ rebias
        // A subnormal is its fraction in units of 2⁻²⁴: put below an exponent of -14, and that power taken away.
        let subnormal = (Float(bitPattern: magnitude | 113 << 23) - Float(bitPattern: 113 << 23)).bitPattern
        let value = magnitude < 0x0080_0000 ? subnormal : normal
        return Float(bitPattern: value | UInt32(bits & 0x8000) << 16)
    }

    /// Exact: a bfloat16 is the upper half of a float32.
    @inline(__always)
    static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Rounds to nearest, ties to even; what is too large becomes infinite.
    @inline(__always)
    static func float(float64 bits: UInt64) -> Float { Float(Double(bitPattern: bits)) }
}
