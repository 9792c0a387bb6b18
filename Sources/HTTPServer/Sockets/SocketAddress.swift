import Foundation

/// The address of a socket: a numeric host and a port, or the path of a Unix socket.
public struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
    /// A numeric IPv4 or IPv6 address, the latter without brackets; or `unix:` and a path.
    public let host: String
    /// The port, 0…65535; 0 of a Unix socket.
    public let port: Int

    /// An address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:8080` or `[::1]:8080`, as a URL wants it, or `unix:/run/alexnet.sock`.
    public var description: String {
        if UnixSocket.path(in: host) != nil { return host }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// `http://127.0.0.1:8080`, or `unix:/run/alexnet.sock`, for which URLs have no form.
    public var url: String { UnixSocket.path(in: host) == nil ? "http://\(description)" : description }

    /// Reads an address from the kernel. An IPv4 address that is mapped into IPv6 (`::ffff:1.2.3.4`) becomes IPv4.
    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let length: Int
        let port: UInt16
        switch Int32(storage.ss_family) {
        case AF_INET:
            length = MemoryLayout<sockaddr_in>.size
            port = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in.self).sin_port }
        case AF_INET6:
            length = MemoryLayout<sockaddr_in6>.size
            port = withUnsafeBytes(of: storage) { $0.load(as: sockaddr_in6.self).sin6_port }
        case AF_UNIX:
            self.init(host: UnixSocket.prefix + UnixSocket.path(of: storage), port: 0)
            return
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, socklen_t(length), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            }
        }
        guard code == 0 else { return nil }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let host = String(decoding: bytes, as: UTF8.self)
        self.init(
            host: host.hasPrefix("::ffff:") ? String(host.dropFirst(7)) : host, port: Int(UInt16(bigEndian: port)))
    }
}

/// A client's IP address as a number. An IPv4 address is stored as an IPv4-mapped IPv6 address: `::ffff:192.0.2.1`.
///
/// - Source: RFC 4291 §2.5.5.2
struct ClientAddress: Sendable, Hashable {
    /// The address, most significant bit first.
    let bits: UInt128

    init(bits: UInt128) { self.bits = bits }

    /// Parses a numeric address without its zone (`%eth0`); nil for anything else, such as a host name.
    init?(_ text: some StringProtocol) {
        let numeric = String(text.prefix { $0 != "%" })
        var v4 = in_addr()
        if inet_pton(AF_INET, numeric, &v4) == 1 {
            self.init(bits: Self.mapped | UInt128(UInt32(bigEndian: v4.s_addr)))
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, numeric, &v6) == 1 else { return nil }
        self.init(bits: withUnsafeBytes(of: v6) { $0.reduce(0) { $0 << 8 | UInt128($1) } })
    }

    /// Whether this is an IPv4 address.
    var isIPv4: Bool { bits >> 32 == Self.mapped >> 32 }

    /// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, since a client gets a whole one (RFC
    /// 6177 §2).
    var owner: ClientAddress { isIPv4 ? self : ClientAddress(bits: (bits >> 64) << 64) }

    /// `::ffff:0:0`
    fileprivate static let mapped = UInt128(0xFFFF) << 32
}

/// An IP address, or all addresses with the same prefix: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32`.
///
/// - Source: RFC 4632 §3.1; RFC 4291 §2.3
public struct AddressBlock: Sendable, Hashable, CustomStringConvertible {
    private let text: String
    private let first: UInt128
    private let mask: UInt128

    /// Parses a numeric address with or without a prefix length; nil for anything else, and for an address with bits
    /// set after its prefix.
    public init?(_ text: String) {
        let pieces = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard !text.contains("%"), let address = ClientAddress(pieces[0]) else { return nil }
        let isIPv4 = !pieces[0].contains(":")
        var length = isIPv4 ? 32 : 128
        if pieces.count == 2 {
            let digits = pieces[1]
            guard let number = FramingFacts.decimal(String(digits)), number <= length,
                digits.utf8.count == 1 || digits.utf8.first != UInt8(ascii: "0")
            else { return nil }
            length = number
        }
        let bitCount = isIPv4 ? 96 + length : length
        mask = bitCount == 0 ? 0 : UInt128.max << UInt128(128 - bitCount)
        guard address.bits & ~mask == 0 else { return nil }
        first = address.bits
        self.text = text
    }

    /// Whether this address is in the block.
    func contains(_ address: ClientAddress) -> Bool { address.bits & mask == first }

    /// As it was written.
    public var description: String { text }
}
