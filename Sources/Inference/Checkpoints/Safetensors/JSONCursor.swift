/// Reads strict JSON as its caller expects it: an object's members in order, repeats included, which a general parser
/// would lose. What is not asked for cannot be read, so nothing nests deeper than the caller does.
///
/// - Source: RFC 8259
struct JSONCursor {
    private let bytes: [UInt8]
    /// The next byte to read.
    private(set) var offset = 0

    /// - Throws: ``CheckpointError/invalidHeader(offset:found:expected:)`` when the text is not UTF-8.
    init(_ text: ByteRegion) throws(CheckpointError) {
        guard text.text != nil else {
            throw .invalidHeader(offset: 0, found: "bytes that are not UTF-8", expected: "UTF-8")
        }
        bytes = text.withUnsafeBytes { Array($0) }
    }

    /// Reads an object; `readMember` gets each key and where it stands, and must read the value.
    mutating func readObject(
        _ readMember: (inout JSONCursor, _ key: String, _ offset: Int) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("{")
        if takes("}") { return }
        repeat {
            skipSpaces()
            let start = offset
            let key = try readString()
            try expect(":")
            try readMember(&self, key, start)
        } while takes(",")
        try expect("}")
    }

    /// Reads an array of whole numbers that are not negative.
    mutating func readNumbers(maxCount: Int) throws(CheckpointError) -> [Int] {
        var numbers: [Int] = []
        try expect("[")
        if takes("]") { return numbers }
        repeat {
            let number = try readNumber()
            guard numbers.count < maxCount else {
                throw .invalidHeader(offset: offset, found: "more numbers", expected: "at most \(maxCount)")
            }
            numbers.append(number)
        } while takes(",")
        try expect("]")
        return numbers
    }

    /// Reads a string and resolves its escapes.
    mutating func readString() throws(CheckpointError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = next {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text.append(contentsOf: String(try readEscape()).utf8)
            case 0..<0x20:
                offset -= 1
                throw unexpected("no control character in a string")
            default: text.append(byte)
            }
        }
        throw unexpected("the end of the string")
    }

    /// Passes over a value of any kind.
    ///
    /// - Parameter maxDepth: how many arrays and objects may lie in each other.
    mutating func skipValue(maxDepth: Int) throws(CheckpointError) {
        skipSpaces()
        guard maxDepth > 0 else { throw unexpected("less nesting") }
        switch next {
        case UInt8(ascii: "\""): _ = try readString()
        case UInt8(ascii: "{"):
            try readObject { (json, _, _) throws(CheckpointError) in try json.skipValue(maxDepth: maxDepth - 1) }
        case UInt8(ascii: "["):
            try expect("[")
            if takes("]") { return }
            repeat { try skipValue(maxDepth: maxDepth - 1) } while takes(",")
            try expect("]")
        default:
            let start = offset
            while let byte = next, Self.isWordByte(byte) { offset += 1 }
            if offset == start { throw unexpected("a value") }
        }
    }

    /// Whether a byte is part of a number, `true`, `false` or `null`.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// - Throws: ``CheckpointError/invalidHeader(offset:found:expected:)`` when anything but spaces is left.
    mutating func finish() throws(CheckpointError) {
        skipSpaces()
        if next != nil { throw unexpected("the end of the header") }
    }

    private mutating func readNumber() throws(CheckpointError) -> Int {
        skipSpaces()
        let start = offset
        var number = 0
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (product, productOverflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = product.addingReportingOverflow(Int(byte & 15))
            guard !productOverflow, !sumOverflow, offset == start || number > 0 else {
                throw .invalidHeader(
                    offset: start, found: "a number out of range or with a leading zero", expected: "0 to 2^63 - 1")
            }
            number = sum
            offset += 1
        }
        guard offset > start else { throw unexpected("a whole number") }
        return number
    }

    private mutating func readEscape() throws(CheckpointError) -> Unicode.Scalar {
        guard let byte = next else { throw unexpected("an escape") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try readUnicodeEscape()
        default:
            offset -= 1
            throw unexpected("an escape")
        }
    }

    /// The scalar of `\uXXXX`, or of two of them that make a surrogate pair.
    private mutating func readUnicodeEscape() throws(CheckpointError) -> Unicode.Scalar {
        let unit = try readHexadecimal()
        var value = unit
        if (0xD800..<0xDC00).contains(unit) {
            guard takesImmediately("\\"), takesImmediately("u") else { throw unexpected("a low surrogate") }
            let low = try readHexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { throw unexpected("a low surrogate before here") }
            value = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw unexpected("a high surrogate before here") }
        return scalar
    }

    private mutating func readHexadecimal() throws(CheckpointError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw unexpected("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpaces() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    private mutating func takesImmediately(_ scalar: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    private mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
        skipSpaces()
        return takesImmediately(scalar)
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(CheckpointError) {
        guard takes(scalar) else { throw unexpected("'\(scalar)'") }
    }

    private func unexpected(_ expected: String) -> CheckpointError {
        let found = next.map { "byte 0x" + String($0, radix: 16) } ?? "the end"
        return .invalidHeader(offset: offset, found: found, expected: expected)
    }
}
