/// Bytes that were written as text: one character each, of the byte's number.
enum Latin1 {
    /// The bytes that a text in UTF-8 stands for; nil where it is malformed or has a character beyond 255.
    static func bytes(of text: some Collection<UInt8>) -> AlignedBuffer? {
        let bytes = AlignedBuffer(byteCount: text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) })
        var count = 0
        var lead: UInt8?
        for byte in text {
            if let high = lead {
                guard byte & 0xC0 == 0x80 else { return nil }
                bytes.bytes[count] = high << 6 | byte & 0x3F
                lead = nil
                count += 1
            } else if byte < 0x80 {
                bytes.bytes[count] = byte
                count += 1
            } else if byte == 0xC2 || byte == 0xC3 {
                lead = byte
            } else {
                return nil
            }
        }
        return lead == nil ? bytes : nil
    }
}
