import Synchronization

/// The identifiers that tie a request to its answer and its log line.
enum RequestID {
    /// The longest that is taken from a client: room for a UUID or a trace context, too short to fill a log.
    static let maxByteCount = 128

    /// `text` if it may stand in logs and fields as it is: 1…128 letters, digits, dots, underscores and dashes.
    static func sane(_ text: String?) -> String? {
        guard let text, (1...maxByteCount).contains(text.utf8.count) else { return nil }
        return text.utf8.allSatisfy(ByteSet.requestID.contains) ? text : nil
    }

    /// How many were made, from a random number on.
    private static let count = Atomic<UInt64>(.random(in: .min ... .max))

    /// 16 hexadecimal digits that look random: none is made twice by one program, and among a billion requests to programs that know
    /// nothing of each other a repetition is a matter of 3 %.
    ///
    /// - Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: SplitMix64
    static func generate() -> String {
        var bits = count.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
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
