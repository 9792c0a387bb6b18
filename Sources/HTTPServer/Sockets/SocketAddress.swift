import Glibc

/// Where a socket listens or whom it talks to: a numeric host and a port.
public struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
    /// A numeric IPv4 or IPv6 address, the latter without brackets.
    public let host: String
    /// The port, 0…65535.
    public let port: Int

    /// An address.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:8080` or `[::1]:8080`, as a URL wants it.
    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Reads what the kernel wrote; an IPv4 address inside an IPv6 one (`::ffff:1.2.3.4`) is told as IPv4.
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
