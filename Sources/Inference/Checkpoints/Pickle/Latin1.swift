import Files

/// Bytes that were written as text: one character each, of the byte's number.
enum Latin1 {
    /// The bytes that a text in UTF-8 stands for; nil where it is malformed or has a character beyond 255.
    static func bytes(of text: UnsafeRawBufferPointer) -> AlignedBuffer? {
        var count = 0
        for byte in text { count &+= byte & 0xC0 == 0x80 ? 0 : 1 }
        let buffer = AlignedBuffer(byteCount: count)
        guard !text.isEmpty, let output = buffer.bytes.baseAddress else { return buffer }
        var target = 0
        var source = 0
        while source < text.count {
            let byte = text[source]
            source += 1
            if byte < 0x80 {
                output.storeBytes(of: byte, toByteOffset: target, as: UInt8.self)
            } else {
                // Only 0xC2 and 0xC3 begin the characters from 128 to 255.
                guard byte & 0xFE == 0xC2, source < text.count, text[source] & 0xC0 == 0x80 else { return nil }
                output.storeBytes(of: byte << 6 | text[source] & 0x3F, toByteOffset: target, as: UInt8.self)
                source += 1
            }
            target += 1
        }
        return buffer
    }
}
