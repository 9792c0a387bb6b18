/// A pull parser for strict JSON: the caller reads the values that it expects, and skips or refuses all others.
///
/// The caller sees an object's members in order, repeated ones included, which a general parser would lose. Nothing
/// nests deeper than the caller's own calls.
///
/// - Source: RFC 8259
package struct JSONCursor<Failure: JSONFailure> {
    /// The text, which may be followed by other bytes.
    package let bytes: [UInt8]
    /// Where the text ends in ``bytes``.
    let end: Int
    /// The next byte to read.
    package var offset = 0

    /// Reads the first `count` bytes. Text is checked to be UTF-8 where it is read; outside of strings JSON is ASCII.
    package init(_ bytes: [UInt8], count: Int) {
        precondition(count <= bytes.count, "\(count) bytes of \(bytes.count)")
        self.bytes = bytes
        end = count
    }

    /// Reads a whole region.
    ///
    /// - Throws: when the text is not UTF-8.
    package init(_ text: ByteRegion) throws(Failure) {
        guard text.text != nil else {
            throw Failure(JSONError(offset: 0, found: "bytes that are not UTF-8", expected: "UTF-8"))
        }
        bytes = text.withUnsafeBytes { Array($0) }
        end = bytes.count
    }

    /// Reads an object. `readMember` is called with each key and its offset, and must read the value.
    package mutating func readObject(
        _ readMember: (inout JSONCursor, _ key: String, _ offset: Int) throws(Failure) -> Void
    ) throws(Failure) {
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

    /// Reads an array; `readItem` must read each of its items.
    package mutating func readArray(
        _ readItem: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        try expect("[")
        if takes("]") { return }
        repeat { try readItem(&self) } while takes(",")
        try expect("]")
    }

    /// Reads an array of whole numbers that are not negative.
    package mutating func readNumbers(maxCount: Int) throws(Failure) -> [Int] {
        var numbers: [Int] = []
        try readArray { (json) throws(Failure) in
            let number = try json.readNumber()
            guard numbers.count < maxCount else {
                throw Failure(
                    JSONError(offset: json.offset, found: "more numbers", expected: "at most \(maxCount)"))
            }
            numbers.append(number)
        }
        return numbers
    }

    /// Checks that the text has been read whole.
    ///
    /// - Throws: when anything but white space is left.
    package mutating func finish(expecting expected: String) throws(Failure) {
        skipSpaces()
        if next != nil { throw unexpected(expected) }
    }

    var next: UInt8? { offset < end ? bytes[offset] : nil }

    /// How much is unread. Units: bytes.
    package var remaining: Int { end - offset }

    /// The next byte that is not white space; it stays unread.
    package var peeked: UInt8? {
        mutating get {
            skipSpaces()
            return next
        }
    }

    package mutating func skipSpaces() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { offset += 1 }
    }

    mutating func takesImmediately(_ scalar: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: scalar) else { return false }
        offset += 1
        return true
    }

    mutating func takes(_ scalar: Unicode.Scalar) -> Bool {
        skipSpaces()
        return takesImmediately(scalar)
    }

    mutating func expect(_ scalar: Unicode.Scalar) throws(Failure) {
        guard takes(scalar) else { throw unexpected("'\(scalar)'") }
    }

    /// The error for whatever comes next.
    package func unexpected(_ expected: String) -> Failure {
        let found = next.map { "byte 0x" + String($0, radix: 16) } ?? "the end"
        return Failure(JSONError(offset: offset, found: found, expected: expected))
    }
}

/// Where a text stops being the JSON that its reader expects.
package struct JSONError: Error, Equatable, Sendable {
    /// Where in the text. Units: bytes from the beginning.
    package let offset: Int
    /// What was found there.
    package let found: String
    /// What would be right there.
    package let expected: String

    package init(offset: Int, found: String, expected: String) {
        (self.offset, self.found, self.expected) = (offset, found, expected)
    }
}

/// An error that can say what is wrong with JSON: each reader has its own, and throws only that.
package protocol JSONFailure: Error {
    init(_ error: JSONError)
}

/// A string, number, boolean or null.
package enum JSONScalar: Equatable, Sendable {
    /// A string, with its escapes resolved.
    case text(String)
    /// A whole number that is not negative.
    case whole(Int)
    /// Any other number.
    case number
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
}
