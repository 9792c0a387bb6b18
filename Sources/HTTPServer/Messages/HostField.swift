import Glibc

/// The grammar of the field Host and of the authority in an absolute target: `uri-host [ ":" port ]`.
///
/// - Source: RFC 9110 §7.2; RFC 3986 §3.2.2
enum HostField {
    /// Of a name (RFC 1035 §2.3.4 counts 255 with length bytes).
    private static let maxNameByteCount = 255

    /// Whether `text` is a host, and a port if there is one. No user, no list, no path, and not empty, since the http scheme has no empty
    /// host (RFC 9110 §4.2.1). Commas, which the grammar allows in names, are refused: they are the sign of two hosts joined to one.
    static func isValid(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = text.first else { return false }
        var rest = text[...]
        if first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            guard isLiteral(String(decoding: rest[..<end].dropFirst(), as: UTF8.self)) else { return false }
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            guard isName(rest[..<end]) else { return false }
            rest = rest[end...]
        }
        guard let colon = rest.first else { return true }
        return colon == UInt8(ascii: ":") && isPort(rest.dropFirst())
    }

    /// `reg-name` or an IPv4 address, which has the form of one.
    private static func isName(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard !text.isEmpty, text.count <= maxNameByteCount else { return false }
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard iterator.next().flatMap(PercentDecoding.hexadecimalValue) != nil,
                    iterator.next().flatMap(PercentDecoding.hexadecimalValue) != nil
                else { return false }
            } else if !ByteSet.hostName.contains(byte) {
                return false
            }
        }
        return true
    }

    /// What stands between brackets: an IPv6 address, or one of a version to come (`v1.x`).
    private static func isLiteral(_ text: String) -> Bool {
        var address = in6_addr()
        if inet_pton(AF_INET6, text, &address) == 1 { return true }
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "v") || bytes.first == UInt8(ascii: "V"),
            let dot = bytes.firstIndex(of: UInt8(ascii: ".")), dot > 1, dot + 1 < bytes.count
        else { return false }
        return bytes[1..<dot].allSatisfy { PercentDecoding.hexadecimalValue($0) != nil }
            && bytes[(dot + 1)...].allSatisfy {
                ByteSet.hostName.contains($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ",")
            }
    }

    /// `*DIGIT`, 65535 at most; none at all stands for the scheme's own.
    private static func isPort(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        var port = 0
        for byte in text {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return false }
            port = port * 10 + Int(byte - UInt8(ascii: "0"))
            guard port <= 65535 else { return false }
        }
        return true
    }
}
