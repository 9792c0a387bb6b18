extension JSONCursor {
    /// Reads a whole number that is not negative.
    package mutating func readNumber() throws(Failure) -> Int {
        skipSpaces()
        let start = offset
        var number = 0
        while let byte = next, Self.isDigit(byte) {
            let (product, productOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(Int(byte & 15))
            guard !productOverflow, !sumOverflow, offset == start || number > 0 else {
                throw Failure(
                    JSONError(
                        offset: start, found: "a number out of range or with a leading zero", expected: "0 to 2^63 - 1")
                )
            }
            number = sum
            offset += 1
        }
        guard offset > start else { throw unexpected("a whole number") }
        return number
    }

    /// Reads a number as the nearest float32; one that is too large for it is refused.
    package mutating func readFloat() throws(Failure) -> Float {
        let number = try scanNumber()
        if let value = number.nearestFloat { return value }
        let text = String(decoding: bytes[number.range], as: UTF8.self)
        guard let value = Float(text), value.isFinite else {
            throw Failure(
                JSONError(offset: number.range.lowerBound, found: text, expected: "a number that float32 holds"))
        }
        return value
    }

    /// Reads a whole number of 0 to 255.
    package mutating func readByte() throws(Failure) -> UInt8 {
        let number = try scanNumber()
        guard number.isWhole, number.digitCount <= 3, !number.isNegative || number.mantissa == 0,
            let byte = UInt8(exactly: number.mantissa)
        else {
            let text = String(decoding: bytes[number.range], as: UTF8.self)
            throw Failure(
                JSONError(offset: number.range.lowerBound, found: text, expected: "a whole number of 0 to 255"))
        }
        return byte
    }

    /// Reads a number by JSON's grammar.
    mutating func scanNumber() throws(Failure) -> JSONNumber {
        skipSpaces()
        let start = offset
        var number = JSONNumber(range: start..<start)
        number.isNegative = takesImmediately("-")
        guard let first = next, Self.isDigit(first) else { throw unexpected("a number") }
        if first == UInt8(ascii: "0") { offset += 1 } else { scanDigits(into: &number) }
        if takesImmediately(".") {
            number.isWhole = false
            let point = offset
            scanDigits(into: &number)
            guard offset > point else { throw unexpected("a digit") }
            number.exponent -= offset - point
        }
        if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
            offset += 1
            number.isWhole = false
            number.exponent += try scanExponent()
        }
        guard offset - start <= JSONNumber.maxLength else {
            throw Failure(
                JSONError(
                    offset: start, found: "a number of \(offset - start) characters",
                    expected: "at most \(JSONNumber.maxLength)"))
        }
        number.range = start..<offset
        return number
    }

    private mutating func scanDigits(into number: inout JSONNumber) {
        while let byte = next, Self.isDigit(byte) {
            if number.digitCount > 0 || byte != UInt8(ascii: "0") { number.digitCount += 1 }
            if number.digitCount <= JSONNumber.maxDigitCount {
                number.mantissa = number.mantissa * 10 + UInt64(byte & 15)
            }
            offset += 1
        }
    }

    private mutating func scanExponent() throws(Failure) -> Int {
        let isNegative = takesImmediately("-")
        if !isNegative { _ = takesImmediately("+") }
        let start = offset
        var exponent = 0
        while let byte = next, Self.isDigit(byte) {
            // Far beyond every float, so where exactly it ends does not matter.
            exponent = min(exponent * 10 + Int(byte & 15), 100_000)
            offset += 1
        }
        guard offset > start else { throw unexpected("a digit") }
        return isNegative ? -exponent : exponent
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
}

/// A JSON number, taken apart: `±mantissa · 10^exponent`.
///
/// - Source: RFC 8259 §6
struct JSONNumber {
    /// Where the number is in the text. Units: bytes.
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
    /// The longest number: longer than any that a program writes, and short enough to be read cheaply. Units:
    /// characters.
    static let maxLength = 256

    /// 10^0 … 10^22, which float64 holds exactly.
    private static let powersOfTen: [Double] = (0...22).map { power in
        (0..<power).reduce(1.0) { product, _ in product * 10 }
    }

    /// The nearest float32; nil if float64 arithmetic cannot decide which one that is.
    ///
    /// The quotient or product of two float64 numbers is off by at most two units in the last place. So it rounds to
    /// the right float32, unless it is that close to the midpoint of two of them. (W. D. Clinger 1990, "How to read
    /// floating point numbers accurately", has the exact case.)
    var nearestFloat: Float? {
        guard digitCount <= Self.maxDigitCount, -22...22 ~= exponent else { return nil }
        guard mantissa > 0 else { return isNegative ? -0.0 : 0 }
        let power = Self.powersOfTen[abs(exponent)]
        let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
        guard value >= Double(Float.leastNormalMagnitude), value <= Double(Float.greatestFiniteMagnitude) else {
            return nil
        }
        // The 29 bits that float32 lacks; the midpoint is 2^28.
        let rest = Int(value.bitPattern & 0x1FFF_FFFF)
        guard abs(rest - 0x1000_0000) > 2 else { return nil }
        return isNegative ? -Float(value) : Float(value)
    }
}

extension JSONCursor {
    /// Reads the values of a tensor in one pass: from one array, or from arrays nested as the shape says.
    ///
    /// - Parameters:
    ///   - extents: the shape. A missing or extra value is an error, which says where it is.
    ///   - readValue: reads one value and stores it.
    package mutating func readTensor(
        _ extents: [Int], _ readValue: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        skipSpaces()
        let start = offset
        try expect("[")
        let isNested = takes("[") && extents.count > 1
        offset = start
        guard !isNested else { return try readLevel(extents[...], readValue) }
        try readLevel([extents.reduce(1, *)], readValue)
    }

    private mutating func readLevel(
        _ extents: ArraySlice<Int>, _ readValue: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        guard let count = extents.first else { return try readValue(&self) }
        let inner = extents.dropFirst()
        try expect("[")
        for index in 0..<count {
            if index > 0, !takes(",") { throw wrongCount("\(index)", count) }
            if index == 0, peeked == UInt8(ascii: "]") { throw wrongCount("no", count) }
            if inner.isEmpty { try readValue(&self) } else { try readLevel(inner, readValue) }
        }
        if takes(",") { throw wrongCount("more", count) }
        try expect("]")
    }

    private mutating func wrongCount(_ found: String, _ count: Int) -> Failure {
        guard let byte = peeked, byte == UInt8(ascii: "]") || found == "more" else { return unexpected("',' or ']'") }
        return Failure(
            JSONError(
                offset: offset, found: "an array of \(found) values", expected: "one of \(count), as the shape says"))
    }
}
