import Foundation

/// Searches in raw bytes with the C library, which is fast in a debug build, too.
extension UnsafeRawBufferPointer {
    /// The offset of the first `byte` at or after `start`.
    func firstOffset(of byte: UInt8, from start: Int = 0) -> Int? {
        guard let base = baseAddress, start < count else { return nil }
        guard let found = memchr(base + start, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// The offset of the first occurrence of `needle` at or after `start`.
    ///
    /// Takes linear time if the needle's first byte occurs in it only once, or rarely, as in the needles here.
    func firstOffset(of needle: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        guard let base = baseAddress, let pattern = needle.baseAddress, let first = needle.first else { return nil }
        let last = count - needle.count
        var offset = start
        while offset <= last, let found = memchr(base + offset, Int32(first), last - offset + 1) {
            if memcmp(found, pattern, needle.count) == 0 { return UnsafeRawPointer(found) - base }
            offset = UnsafeRawPointer(found) - base + 1
        }
        return nil
    }

    /// These bytes without optional white space (OWS, RFC 9110 §5.6.3) at either end.
    var trimmed: UnsafeRawBufferPointer {
        var low = 0
        var high = count
        while low < high, self[low] == 0x20 || self[low] == 0x09 { low += 1 }
        while high > low, self[high - 1] == 0x20 || self[high - 1] == 0x09 { high -= 1 }
        return slice(low..<high)
    }

    /// The bytes of `range`, as a buffer of its own.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }

    /// These bytes as text, if they are UTF-8.
    var validText: String? { String(validating: self, as: UTF8.self) }

    /// These bytes as text; invalid UTF-8 becomes U+FFFD.
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// The octets that separate the elements of a message.
enum Octet {
    static let carriageReturn: UInt8 = 0x0D
    static let lineFeed: UInt8 = 0x0A
    static let space: UInt8 = 0x20
    static let tab: UInt8 = 0x09
    static let colon = UInt8(ascii: ":")
}

/// Quotes a client's bytes in error messages: short, and printable.
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

    /// The first bytes of a string's UTF-8, escaped in the same way.
    static func of(_ string: String) -> String {
        var copy = string
        return copy.withUTF8 { of(UnsafeRawBufferPointer($0)) }
    }
}
