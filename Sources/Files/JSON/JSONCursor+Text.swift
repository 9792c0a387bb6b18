extension JSONCursor {
    /// Reads a string and resolves its escapes.
    package mutating func readString() throws(Failure) -> String {
        skipSpaces()
        let start = offset
        guard let text = String(validating: try readStringBytes(), as: UTF8.self) else {
            throw Failure(JSONError(offset: start, found: "bytes that are not UTF-8", expected: "UTF-8"))
        }
        return text
    }

    /// Reads a string as bytes and resolves its escapes. For long strings, which are then held only once.
    package mutating func readStringBytes() throws(Failure) -> [UInt8] {
        try expect("\"")
        var text: [UInt8] = []
        while true {
            let plain = plainCount
            text.append(contentsOf: bytes[offset..<offset + plain])
            offset += plain
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                text.append(contentsOf: String(try readEscape()).utf8)
            case nil: throw unexpected("the end of the string")
            default: throw unexpected("no control character in a string")
            }
        }
    }

    /// How many bytes from here on need no unescaping.
    var plainCount: Int {
        bytes.withUnsafeBufferPointer { bytes in
            var index = offset
            while index < end, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\""),
                bytes[index] != UInt8(ascii: "\\")
            {
                index += 1
            }
            return index - offset
        }
    }

    private mutating func readEscape() throws(Failure) -> Unicode.Scalar {
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
    private mutating func readUnicodeEscape() throws(Failure) -> Unicode.Scalar {
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

    private mutating func readHexadecimal() throws(Failure) -> UInt32 {
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
}

extension JSONCursor {
    /// Reads a text, number, `true`, `false` or `null`.
    package mutating func readScalar() throws(Failure) -> JSONScalar {
        switch peeked {
        case UInt8(ascii: "\""): return .text(try readString())
        case UInt8(ascii: "t"):
            try expect(word: "true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect(word: "false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect(word: "null")
            return .null
        default:
            let number = try scanNumber()
            guard number.isWhole, !number.isNegative, number.digitCount < JSONNumber.maxDigitCount else {
                return .number
            }
            return .whole(Int(number.mantissa))
        }
    }

    /// Skips a value of any kind, in one pass and without keeping any of it.
    ///
    /// - Parameter maxDepth: how deep it may nest.
    package mutating func skipValue(maxDepth: Int = 32) throws(Failure) {
        switch peeked {
        case UInt8(ascii: "["):
            try checkDepth(maxDepth)
            try readArray { (json) throws(Failure) in try json.skipValue(maxDepth: maxDepth - 1) }
        case UInt8(ascii: "{"):
            try checkDepth(maxDepth)
            try expect("{")
            if takes("}") { return }
            repeat {
                try skipString()
                try expect(":")
                try skipValue(maxDepth: maxDepth - 1)
            } while takes(",")
            try expect("}")
        case UInt8(ascii: "\""): try skipString()
        default: _ = try readScalar()
        }
    }

    private func checkDepth(_ depth: Int) throws(Failure) {
        guard depth > 0 else { throw unexpected("less nesting") }
    }

    mutating func skipString() throws(Failure) {
        try expect("\"")
        while true {
            offset += plainCount
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"):
                offset += 1
                _ = try readEscape()
            case nil: throw unexpected("the end of the string")
            default: throw unexpected("no control character in a string")
            }
        }
    }

    private mutating func expect(word: String) throws(Failure) {
        for scalar in word.unicodeScalars {
            guard takesImmediately(scalar) else { throw unexpected("\"\(word)\"") }
        }
    }
}
