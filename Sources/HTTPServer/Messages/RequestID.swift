/// The identifiers that tie a request to its answer and its log line.
enum RequestID {
    /// The longest that is taken from a client: room for a UUID or a trace context, too short to fill a log.
    static let maxByteCount = 128

    /// `text` if it may stand in logs and fields as it is: 1…128 letters, digits, dots, underscores and dashes.
    static func sane(_ text: String?) -> String? {
        guard let text, (1...maxByteCount).contains(text.utf8.count) else { return nil }
        return text.utf8.allSatisfy(ByteSet.requestID.contains) ? text : nil
    }

    /// 16 random hexadecimal digits: 64 bits make a repetition among a billion requests a matter of 3 %.
    static func generate() -> String {
        var bits = UInt64.random(in: .min ... .max)
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: bits & 15)
                buffer[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                bits >>= 4
            }
            return 16
        }
    }
}
