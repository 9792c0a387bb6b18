/// The header of a `.npy` file: a version and a Python dictionary literal with type, order and shape.
///
/// - Source: NumPy's `numpy/lib/format.py`, versions 1.0, 2.0 and 3.0
struct ArrayHeader: Equatable {
    /// NumPy's type string, such as `<f4`.
    let typeName: String
    /// Whether the array is column-major (Fortran order: first axis fastest).
    let isColumnMajor: Bool
    /// The size of each axis; none is negative.
    let extents: [Int]

    /// The longest header, which is also NumPy's default limit. Units: bytes.
    static let maxByteCount = 10_000

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads the header and leaves the cursor at the data.
    ///
    /// - Parameter record: the file's name, for errors.
    init(_ cursor: inout ByteCursor, record: String) throws(CheckpointError) {
        let start = try cursor.region(byteCount: Self.magic.count).withUnsafeBytes { Array($0) }
        guard start == Self.magic else {
            throw .invalidArray(
                record: record, offset: 0, found: "the bytes \(start)", expected: "the magic of a .npy file")
        }
        let (major, minor) = (try cursor.number(UInt8.self), try cursor.number(UInt8.self))
        guard 1...3 ~= major, minor == 0 else {
            throw .invalidArray(
                record: record, offset: 6, found: "version \(major).\(minor)", expected: "1.0, 2.0 or 3.0")
        }
        let byteCount = major == 1 ? Int(try cursor.number(UInt16.self)) : Int(try cursor.number(UInt32.self))
        guard byteCount <= Self.maxByteCount else {
            throw .limitExceeded(what: "bytes in a .npy header", found: byteCount, limit: Self.maxByteCount)
        }
        let textOffset = cursor.offset
        let text = try cursor.region(byteCount: byteCount).withUnsafeBytes { Array($0) }
        var literal = PythonLiteralCursor(text, offset: textOffset, record: record)
        self = try literal.arrayHeader()
    }

    init(typeName: String, isColumnMajor: Bool, extents: [Int]) {
        self.typeName = typeName
        self.isColumnMajor = isColumnMajor
        self.extents = extents
    }
}

/// Parses the Python dictionary literal of a `.npy` header: exactly a type, an order and a shape.
///
///     {'descr': '<f4', 'fortran_order': False, 'shape': (64, 3, 11, 11), }
struct PythonLiteralCursor {
    private let text: [UInt8]
    private var position = 0
    /// The text's offset in the file.
    private let offset: Int
    private let record: String

    init(_ text: [UInt8], offset: Int, record: String) {
        self.text = text
        self.offset = offset
        self.record = record
    }

    /// Parses the dictionary.
    ///
    /// - Throws: ``CheckpointError`` for anything but the three keys, each once, followed by spaces and line feeds.
    mutating func arrayHeader() throws(CheckpointError) -> ArrayHeader {
        var typeName: String?
        var isColumnMajor: Bool?
        var extents: [Int]?
        try expect("{")
        while peek != UInt8(ascii: "}") {
            let start = position
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where typeName == nil: typeName = try descriptor()
            case "fortran_order" where isColumnMajor == nil: isColumnMajor = try boolean()
            case "shape" where extents == nil: extents = try tuple()
            case "descr", "fortran_order", "shape":
                throw invalid(at: start, found: "the key \(key) again", expected: "each key once")
            default:
                throw invalid(
                    at: start, found: "the key \(key.prefix(40))", expected: "descr, fortran_order or shape")
            }
            guard peek == UInt8(ascii: ",") else { break }
            position += 1
        }
        try expect("}")
        guard let typeName, let isColumnMajor, let extents else {
            throw invalid(at: 0, found: "an incomplete header", expected: "descr, fortran_order and shape")
        }
        guard text[position...].allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }) else {
            throw invalid(at: position, found: "more text", expected: "the header's end")
        }
        return ArrayHeader(typeName: typeName, isColumnMajor: isColumnMajor, extents: extents)
    }

    /// The type string; structured types, which are lists, are refused.
    private mutating func descriptor() throws(CheckpointError) -> String {
        if peek == UInt8(ascii: "[") {
            throw invalid(at: position, found: "a structured type", expected: "the type of one number")
        }
        return try string()
    }

    private mutating func boolean() throws(CheckpointError) -> Bool {
        skipSpaces()
        for (word, value) in [("True", true), ("False", false)] where text[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw invalid(at: position, found: found, expected: "True or False")
    }

    /// `()`, `(3,)` or `(3, 4)`, with or without a trailing comma.
    private mutating func tuple() throws(CheckpointError) -> [Int] {
        try expect("(")
        var numbers: [Int] = []
        var endsInComma = false
        while peek != UInt8(ascii: ")") {
            if !numbers.isEmpty, !endsInComma {
                throw invalid(at: position, found: found, expected: "a comma or a closing parenthesis")
            }
            numbers.append(try number())
            guard numbers.count <= StoredTensor.maxRank else {
                throw .limitExceeded(what: "axes in one tensor", found: numbers.count, limit: StoredTensor.maxRank)
            }
            endsInComma = peek == UInt8(ascii: ",")
            if endsInComma { position += 1 }
        }
        if numbers.count == 1, !endsInComma {
            throw invalid(at: position, found: "a number in parentheses", expected: "a tuple, as (3,)")
        }
        try expect(")")
        return numbers
    }

    private mutating func number() throws(CheckpointError) -> Int {
        skipSpaces()
        let start = position
        while position < text.count, 0x30...0x39 ~= text[position] { position += 1 }
        let digits = String(decoding: text[start..<position], as: UTF8.self)
        // Python does not allow leading zeros.
        guard !digits.isEmpty, digits == "0" || !digits.hasPrefix("0") else {
            throw invalid(at: start, found: digits.isEmpty ? found : digits, expected: "a whole number")
        }
        guard let number = Int(digits) else {
            throw invalid(at: start, found: String(digits.prefix(40)), expected: "a number of at most 63 bits")
        }
        return number
    }

    /// A string in single or double quotes, without escapes: NumPy's type strings have none.
    private mutating func string() throws(CheckpointError) -> String {
        skipSpaces()
        let start = position
        guard position < text.count, let quote = [UInt8(ascii: "'"), UInt8(ascii: "\"")].first(where: { $0 == peek })
        else { throw invalid(at: start, found: found, expected: "a quoted string") }
        position += 1
        while position < text.count, text[position] != quote {
            guard 0x20..<0x7F ~= text[position], text[position] != UInt8(ascii: "\\") else {
                throw invalid(at: position, found: found, expected: "a printable character")
            }
            position += 1
        }
        guard position < text.count else {
            throw invalid(at: start, found: "an unterminated string", expected: "a quoted string")
        }
        defer { position += 1 }
        return String(decoding: text[(start + 1)..<position], as: UTF8.self)
    }

    private mutating func expect(_ scalar: Unicode.Scalar) throws(CheckpointError) {
        guard peek == UInt8(ascii: scalar) else { throw invalid(at: position, found: found, expected: "'\(scalar)'") }
        position += 1
    }

    /// Skips spaces and returns the next byte without consuming it; nil at the end.
    private var peek: UInt8? {
        mutating get {
            skipSpaces()
            return position < text.count ? text[position] : nil
        }
    }

    private mutating func skipSpaces() {
        while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
    }

    private var found: String {
        position < text.count ? "the byte 0x" + String(text[position], radix: 16) : "the header's end"
    }

    private func invalid(at position: Int, found: String, expected: String) -> CheckpointError {
        .invalidArray(record: record, offset: offset + position, found: found, expected: expected)
    }
}
