/// Other floating-point formats to float32 and back, bit by bit: without branches, so that loops over them vectorise on
/// any processor.
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

    /// Rounds to nearest, ties to even; from 65,520 on the result is infinite. NaNs keep the upper bits of their payload.
    @inline(__always)
    static func float16(_ value: Float) -> UInt16 {
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        // Adding just under half of what is cut off, or half where the last bit that stays is odd; a carry goes where it
        // should, up to infinity.
        let odd = (magnitude >> 13) & 1
        let normal = (magnitude &+ 0x0FFF &+ odd &- 112 << 23) >> 13
        // Below 2⁻¹⁴ the addition of ½ aligns the fraction with float16's units of 2⁻²⁴, and rounds it.
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
        let payload = (magnitude >> 13) & 0x03FF
        let nan: UInt32 = 0x7C00 | (payload == 0 ? 0x0200 : payload)
        var bits = magnitude < 0x3880_0000 ? subnormal : normal
        bits = magnitude >= 0x4780_0000 ? 0x7C00 : bits
        bits = magnitude > 0x7F80_0000 ? nan : bits
        return UInt16(truncatingIfNeeded: bits | (value.bitPattern >> 16) & 0x8000)
    }

    /// Rounds to nearest, ties to even; what is too large becomes infinite. NaNs keep the upper bits of their payload.
    @inline(__always)
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16) & 1) >> 16
        let nan = bits & 0x007F_0000 == 0 ? bits >> 16 | 0x40 : bits >> 16
        return UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? nan : rounded)
    }
}
