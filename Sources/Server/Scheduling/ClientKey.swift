import Foundation

/// What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that one subscriber has to itself.
///
/// - Source: RFC 6177 §2; RFC 4291 §2.5.5.2
enum ClientKey {
    static func of(_ address: String) -> String {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return address }
        var parsed = in6_addr()
        let text = address.prefix { $0 != "%" }
        guard inet_pton(AF_INET6, String(text), &parsed) == 1 else { return address }
        let bytes = withUnsafeBytes(of: parsed) { Array($0) }
        // An IPv4 address in IPv6's form.
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
            return bytes[12...].map(String.init).joined(separator: ".")
        }
        return bytes[..<8].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
