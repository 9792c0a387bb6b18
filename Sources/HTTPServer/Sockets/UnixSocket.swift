import Foundation

/// A socket that is a file: only programs of the same machine that may write to the file can connect.
///
/// - Source: unix(7)
enum UnixSocket {
    /// What a host begins with that is the path of a socket.
    static let prefix = "unix:"

    /// The access rights of a new socket: its owner and group may connect.
    private static let permissions: mode_t = 0o660

    /// The path in `unix:/run/alexnet.sock`; nil for a host name or an address.
    static func path(in host: String) -> String? { host.hasPrefix(prefix) ? String(host.dropFirst(prefix.count)) : nil }

    /// The path in an address from the kernel; empty if the socket has none.
    static func path(of storage: sockaddr_storage) -> String {
        withUnsafeBytes(of: storage) { bytes in
            let path = bytes[MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { $0..<bytes.count } ?? 0..<0]
            return String(decoding: path.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Listens on a new socket. A file that an earlier server has left is replaced.
    static func listen(_ path: String, backlog: Int) throws(SocketError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { throw .pathTooLong(path, limit: capacity - 1) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }

        try removeStale(path, address)
        let descriptor = socket(AF_UNIX, Socket.stream, 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", code: errno) }
        Socket.prepare(descriptor)
        guard call(bind, descriptor, address) == 0 else {
            let code = errno
            Socket.close(descriptor)
            let wanted = SocketAddress(host: prefix + path, port: 0)
            switch code {
            case EADDRINUSE: throw .addressInUse(wanted)
            case EACCES: throw .permissionDenied(wanted)
            default: throw .system(operation: "bind '\(path)'", code: code)
            }
        }
        guard chmod(path, permissions) == 0, Foundation.listen(descriptor, Int32(clamping: backlog)) == 0 else {
            let code = errno
            Socket.close(descriptor)
            remove(path)
            throw .system(operation: "listen '\(path)'", code: code)
        }
        return descriptor
    }

    /// Removes the file of a socket that nobody listens on: a server that was killed leaves it.
    private static func removeStale(_ path: String, _ address: sockaddr_un) throws(SocketError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notSocket(path: path) }
        let probe = socket(AF_UNIX, Socket.stream, 0)
        guard probe >= 0 else { throw .system(operation: "socket", code: errno) }
        defer { Socket.close(probe) }
        Socket.prepare(probe)
        guard call(connect, probe, address) != 0, errno == ECONNREFUSED else {
            throw .addressInUse(SocketAddress(host: prefix + path, port: 0))
        }
        remove(path)
    }

    /// Removes the file of a socket.
    static func remove(_ path: String) { _ = unlink(path) }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, _ address: sockaddr_un
    ) -> Int32 {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
