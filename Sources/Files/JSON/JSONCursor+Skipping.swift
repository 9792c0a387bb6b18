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

    /// Passes over a value whatever it is, in one pass and without keeping any of it.
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
                guard next != nil else { throw unexpected("an escape") }
                offset += 1
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
