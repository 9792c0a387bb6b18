extension JSONCursor {
    /// Reads a string of base64 and decodes it without an intermediate copy; nil if the string is not base64 or holds
    /// no bytes. It has been read in either case.
    ///
    /// Both alphabets are accepted. White space is skipped. Padding may be missing, but not wrong. The head of a
    /// `data:` URL is skipped, since it says nothing that an image does not.
    /// - Source: RFC 4648 §4, §5; RFC 2045 §6.8; RFC 2397
    package mutating func readBase64() throws(Failure) -> [UInt8]? {
        skipSpaces()
        let start = offset + 1
        try skipString()
        return Base64Text(bytes[start..<offset - 1]).bytes
    }
}

/// Base64 in a JSON string, between its quotation marks.
private struct Base64Text {
    private let text: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { self.text = text }

    private static let skipped: UInt8 = 64
    private static let padding: UInt8 = 65
    private static let escape: UInt8 = 66
    private static let wrong: UInt8 = 255

    /// What each byte stands for: six bits, or one of the above.
    private static let meanings: [UInt8] = {
        var meanings = [UInt8](repeating: wrong, count: 256)
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for (value, letter) in letters.enumerated() { meanings[Int(letter)] = UInt8(value) }
        meanings[Int(UInt8(ascii: "-"))] = 62
        meanings[Int(UInt8(ascii: "_"))] = 63
        for blank in [0x20, 0x09, 0x0A, 0x0D] { meanings[blank] = skipped }
        meanings[Int(UInt8(ascii: "="))] = padding
        meanings[Int(UInt8(ascii: "\\"))] = escape
        return meanings
    }()

    /// The decoded bytes; nil if the text is not base64 of at least one byte.
    var bytes: [UInt8]? {
        let payload = payload
        guard payload.count >= 2 else { return nil }
        var isRight = true
        let bytes = [UInt8](unsafeUninitializedCapacity: payload.count / 4 * 3 + 3) { output, count in
            payload.withUnsafeBufferPointer { text in
                Self.meanings.withUnsafeBufferPointer { meanings in
                    let written = Self.decode(text, meanings, to: output)
                    isRight = written != nil
                    count = written ?? 0
                }
            }
        }
        return isRight && !bytes.isEmpty ? bytes : nil
    }

    /// The text after the head of a `data:` URL, or all of it.
    private var payload: ArraySlice<UInt8> {
        guard text.starts(with: "data:".utf8), let comma = text.firstIndex(of: UInt8(ascii: ",")) else { return text }
        return text[(comma + 1)...]
    }

    /// Decodes the text.
    ///
    /// - Returns: how many bytes were written; nil if the text is not base64.
    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>, _ meanings: UnsafeBufferPointer<UInt8>,
        to output: UnsafeMutableBufferPointer<UInt8>
    ) -> Int? {
        var (index, count) = (0, 0)
        var (bits, bitCount, paddingCount) = (UInt32(0), 0, 0)
        while index < text.count {
            // Four letters at once: nearly all text is like that.
            while bitCount == 0, paddingCount == 0, index + 4 <= text.count {
                let (a, b) = (meanings[Int(text[index])], meanings[Int(text[index + 1])])
                let (c, d) = (meanings[Int(text[index + 2])], meanings[Int(text[index + 3])])
                guard a | b | c | d < 64 else { break }
                let value = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
                output[count] = UInt8(truncatingIfNeeded: value >> 16)
                output[count + 1] = UInt8(truncatingIfNeeded: value >> 8)
                output[count + 2] = UInt8(truncatingIfNeeded: value)
                count += 3
                index += 4
            }
            guard index < text.count else { break }
            var meaning = meanings[Int(text[index])]
            index += 1
            if meaning == escape {
                guard let byte = unescaped(text, &index) else { return nil }
                meaning = meanings[Int(byte)]
            }
            switch meaning {
            case 0..<64:
                guard paddingCount == 0 else { return nil }
                bits = bits << 6 | UInt32(meaning)
                bitCount += 6
                if bitCount >= 8 {
                    bitCount -= 8
                    output[count] = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount))
                    count += 1
                }
            case skipped: break
            case padding: paddingCount += 1
            default: return nil
            }
        }
        // Two letters are one byte and four bits, three are two bytes and two bits; padding makes them four letters.
        switch bitCount {
        case 0: return paddingCount == 0 ? count : nil
        case 4: return paddingCount == 0 || paddingCount == 2 ? count : nil
        case 2: return paddingCount == 0 || paddingCount == 1 ? count : nil
        default: return nil
        }
    }

    /// The byte that an escape stands for, if an encoder may escape it in base64: a slash or white space. Nil for
    /// others.
    private static func unescaped(_ text: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> UInt8? {
        guard index < text.count else { return nil }
        let kind = text[index]
        index += 1
        switch kind {
        case UInt8(ascii: "/"): return kind
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"):
            guard index + 4 <= text.count,
                let value = UInt8(String(decoding: text[index..<index + 4], as: UTF8.self), radix: 16)
            else { return nil }
            index += 4
            // A backslash is not base64, and must not be taken for the beginning of another escape.
            return value == UInt8(ascii: "\\") ? 0 : value
        default: return nil
        }
    }
}
