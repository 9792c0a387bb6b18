/// A short, printable piece of somebody else's bytes, for error messages.
enum Excerpt {
    /// The most bytes that are quoted: enough to recognise a line, too few to flood a log.
    static let maxByteCount = 60

    /// The first bytes of `bytes`, with everything but visible ASCII and spaces written as `\xNN`.
    static func of(_ bytes: UnsafeRawBufferPointer) -> String {
        var text = ""
        for byte in bytes.prefix(maxByteCount) {
            if byte >= 0x20 && byte < 0x7F {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
            }
        }
        if bytes.count > maxByteCount { text += "…" }
        return text
    }

    /// The same of a string's UTF-8.
    static func of(_ string: String) -> String {
        var copy = string
        return copy.withUTF8 { of(UnsafeRawBufferPointer($0)) }
    }
}
