/// A set of byte values, as a bit map: a look-up is one shift and one mask.
struct ByteSet: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// The set of all bytes that satisfy `isMember`.
    init(where isMember: (UInt8) -> Bool) {
        for value in UInt8.min...UInt8.max where isMember(value) {
            let bit = UInt64(1) << UInt64(value & 63)
            switch value >> 6 {
            case 0: words.0 |= bit
            case 1: words.1 |= bit
            case 2: words.2 |= bit
            default: words.3 |= bit
            }
        }
    }

    /// Whether `byte` is in the set.
    func contains(_ byte: UInt8) -> Bool {
        let word =
            switch byte >> 6 {
            case 0: words.0
            case 1: words.1
            case 2: words.2
            default: words.3
            }
        return word >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether every byte of `bytes` is in the set.
    func containsAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for byte in bytes where !contains(byte) { return false }
        return true
    }

    /// Whether `byte` is a letter or digit of ASCII.
    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// Whether `byte` is one of the characters of `text`.
    private static func isOne(_ byte: UInt8, of text: String) -> Bool { text.utf8.contains(byte) }

    /// `tchar`: the characters of methods and field names (RFC 9110 §5.6.2).
    static let token = ByteSet { isAlphanumeric($0) || isOne($0, of: "!#$%&'*+-.^_`|~") }

    /// The bytes of a field value: visible characters, SP, HTAB and obs-text; no NUL, CR, LF or other control character
    /// (RFC 9110 §5.5).
    static let fieldValue = ByteSet { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }

    /// The bytes of a request target: the visible characters that a URI allows (RFC 3986 §2), and those that it forbids
    /// but browsers do not escape (`"<>\^`{|}`). No space, no control character, nothing beyond ASCII, and no `#`: a
    /// fragment is never sent (RFC 9112 §3.2).
    static let target = ByteSet { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }

    /// The bytes of a host name, apart from `%` with two digits (`reg-name`, RFC 3986 §3.2.2).
    static let hostName = ByteSet { isAlphanumeric($0) || isOne($0, of: "-._~!$&'()*+;=") }

    /// The bytes of a multipart boundary: more than RFC 2046 §5.1.1 allows, see ``MultipartParser``.
    static let boundary = ByteSet { $0 >= 0x20 && $0 < 0x7F }

    /// The bytes of a request's identifier: those of UUIDs and trace identifiers, none that a log must escape.
    static let requestID = ByteSet { isAlphanumeric($0) || isOne($0, of: "._-") }
}
