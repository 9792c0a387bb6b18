import HTTPTypes

/// Finds the address of a client that connects through trusted proxies.
///
/// Each proxy appends the address of its own client. The list is read from its end: the first address that is not a
/// trusted proxy's is the client's. What stands before it was written by the client, and proves nothing.
///
/// - Source: RFC 7239 §4, §5.2, §6 (Forwarded); `X-Forwarded-For` is its older form, without names and quotes
enum ForwardedClient {
    /// The most addresses that are read, so that a long list costs nothing. Real chains have two or three.
    private static let maxHopCount = 32

    /// The client's address in the fields of a request that a trusted proxy has sent; nil if they do not name it.
    ///
    /// If both fields are there and name different clients, neither is believed: a proxy writes one of them and may
    /// pass the other as it came.
    static func address(in fields: HTTPFields, trusted: [AddressBlock]) -> String? {
        let standard = hops(fields, named: "Forwarded", address: forwardedAddress)
        let common = hops(fields, named: "X-Forwarded-For") { $0 }
        let found = [standard, common].filter { !$0.isEmpty }.map { client(of: $0, trusted: trusted) }
        guard let first = found.first, found.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// The elements of a list field, the last first.
    private static func hops(
        _ fields: HTTPFields, named name: String, address: (Substring) -> Substring?
    ) -> [Substring] {
        guard let name = HTTPField.Name(name) else { return [] }
        var hops: [Substring] = []
        for value in fields[values: name].reversed() {
            for element in value.split(separator: ",").reversed() {
                guard hops.count < maxHopCount else { return hops }
                // An element without an address is kept as one that cannot be read.
                hops.append(address(trimmed(element)) ?? "")
            }
        }
        return hops
    }

    /// The last address that is not a trusted proxy's. An address that is hidden or unknown ends the search.
    private static func client(of hops: [Substring], trusted: [AddressBlock]) -> String? {
        var client: String?
        for hop in hops {
            let host = withoutPort(hop)
            guard let address = ClientAddress(host) else { return client }
            client = String(host)
            guard trusted.contains(where: { $0.contains(address) }) else { return client }
        }
        return client
    }

    /// The value of `for` in one element of Forwarded: `for="[2001:db8::1]:4711";proto=https`.
    private static func forwardedAddress(_ element: Substring) -> Substring? {
        for pair in element.split(separator: ";") {
            let pair = trimmed(pair)
            guard pair.prefix(4).lowercased() == "for=" else { continue }
            let value = pair.dropFirst(4)
            return value.hasPrefix("\"") && value.hasSuffix("\"") && value.count > 1
                ? value.dropFirst().dropLast() : value
        }
        return nil
    }

    /// The host of `192.0.2.1:4711` and `[2001:db8::1]:4711`.
    private static func withoutPort(_ text: Substring) -> Substring {
        if text.hasPrefix("[") { return text.dropFirst().prefix { $0 != "]" } }
        // A bare IPv6 address has at least two colons.
        return text.utf8.count { $0 == UInt8(ascii: ":") } == 1 ? text.prefix { $0 != ":" } : text
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        let start = text.drop(while: isBlank)
        return start.prefix(upTo: start.lastIndex { !isBlank($0) }.map(start.index(after:)) ?? start.startIndex)
    }
}
