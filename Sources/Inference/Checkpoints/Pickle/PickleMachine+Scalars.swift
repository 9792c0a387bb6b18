extension PickleMachine {
    /// A two's complement number of any length; what does not fit 64 bits is no extent of a tensor.
    mutating func integer(byteCount: Int) throws(CheckpointError) -> PickleValue {
        let bytes = try cursor.region(byteCount: byteCount)
        guard byteCount <= 8 else { return .number }
        return bytes.withUnsafeBytes { bytes in
            var value = bytes.last.map { $0 & 0x80 != 0 ? -1 : 0 } ?? 0
            for byte in bytes.reversed() { value = value << 8 | Int(byte) }
            return .integer(value)
        }
    }

    /// The decimal number of protocol 0; `01` and `00` are booleans there, and `L` ends a long.
    mutating func decimal() throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text == "01" || text == "00" { return .boolean(text == "01") }
        let digits = text.last == "L" ? text.dropLast() : text[...]
        guard !digits.isEmpty, digits.drop(while: { $0 == "-" }).allSatisfy({ $0.isASCII && $0.isNumber }) else {
            throw invalid("\"\(text.prefix(40))\"", "a number")
        }
        return Int(digits).map(PickleValue.integer) ?? .number
    }

    mutating func lineText() throws(CheckpointError) -> String {
        guard let text = try cursor.line(maxByteCount: Self.maxLineByteCount).text else {
            throw invalid("a line that is not UTF-8", "text")
        }
        return text
    }

    mutating func lineNumber() throws(CheckpointError) -> Int {
        let text = try lineText()
        guard let number = Int(text), number >= 0 else { throw invalid("\"\(text.prefix(40))\"", "a memo number") }
        return number
    }

    mutating func unicode(byteCount: Int) throws(CheckpointError) -> PickleValue {
        let region = try cursor.region(byteCount: byteCount)
        guard region.count <= Self.maxTextByteCount else { return try heap.makeLongText(region) }
        try budget.charge(textOf: region.count, for: "a pickle's text")
        // Python writes what no Unicode text can be, as an odd file's name, in UTF-8 nevertheless.
        guard let text = region.text else { return try heap.makeBytes(region) }
        return .string(text)
    }

    /// Text of protocol 0; names of tensors need none of its escapes.
    mutating func textLine(quoted: Bool) throws(CheckpointError) -> PickleValue {
        let text = try lineText()
        if text.contains("\\") { return .inert }
        try budget.charge(textOf: text.utf8.count, for: "a pickle's text")
        guard quoted else { return .string(text) }
        guard text.count >= 2, let mark = text.first, mark == "'" || mark == "\"", text.last == mark else {
            throw invalid("an unquoted string", "a quoted one")
        }
        return .string(String(text.dropFirst().dropLast()))
    }
}
