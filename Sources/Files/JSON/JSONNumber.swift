/// A JSON number, taken apart: `±mantissa · 10^exponent`.
///
/// - Source: RFC 8259 §6
struct JSONNumber {
    /// Where it stands. Units: bytes from the beginning.
    var range: Range<Int>
    var isNegative = false
    /// The first ``maxDigitCount`` significant digits.
    var mantissa: UInt64 = 0
    /// How many significant digits there are.
    var digitCount = 0
    var exponent = 0
    /// Whether it has neither a fraction nor an exponent.
    var isWhole = true

    /// As many decimal digits as 64 bits always hold.
    static let maxDigitCount = 19
    /// Longer than any number that a program writes; what is shorter can be read without a second thought.
    static let maxLength = 256

    /// 10^0 … 10^22, which float64 holds exactly.
    private static let powersOfTen: [Double] = (0...22).map { power in
        (0..<power).reduce(1.0) { product, _ in product * 10 }
    }

    /// The nearest float32, unless it takes all digits to find it.
    ///
    /// The quotient or product of two float64 is off by no more than two units in its last place, so it rounds to the right
    /// float32 wherever it is not that close to the middle between two of them. (W. D. Clinger 1990, "How to read floating
    /// point numbers accurately", has the exact case.)
    var nearestFloat: Float? {
        guard digitCount <= Self.maxDigitCount, -22...22 ~= exponent else { return nil }
        guard mantissa > 0 else { return isNegative ? -0.0 : 0 }
        let power = Self.powersOfTen[abs(exponent)]
        let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
        guard value >= Double(Float.leastNormalMagnitude), value <= Double(Float.greatestFiniteMagnitude) else {
            return nil
        }
        // The 29 bits that float32 has not; the middle is 2^28.
        let rest = Int(value.bitPattern & 0x1FFF_FFFF)
        guard abs(rest - 0x1000_0000) > 2 else { return nil }
        return isNegative ? -Float(value) : Float(value)
    }
}
