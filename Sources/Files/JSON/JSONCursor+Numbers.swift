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
