import Foundation

/// The system calls that this server makes on sockets. None of them blocks, except that looking up a host name may.
enum Socket {
    /// The result of a read or a write.
    enum Outcome: Equatable {
        /// This many bytes were transferred, at least one.
        case bytes(Int)
        /// The other side has ended its stream.
        case end
        /// Nothing can be read or written now.
        case wouldBlock
        /// The connection is broken.
        case failed
    }

    /// The type of a TCP socket.
    static var stream: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    /// Makes a new socket non-blocking, close-on-exec (child processes do not inherit it), and never raise SIGPIPE.
    static func prepare(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #if !os(Linux)
            set(descriptor, SOL_SOCKET, SO_NOSIGPIPE, 1)
        #endif
    }

    /// Listens on the first address of `host` that can be used, or on a Unix socket.
    static func listen(host: String, port: Int, backlog: Int) throws(SocketError) -> (descriptor: Int32, SocketAddress)
    {
        if let path = UnixSocket.path(in: host) {
            return (try UnixSocket.listen(path, backlog: backlog), SocketAddress(host: host, port: 0))
        }
        guard (0...65535).contains(port) else { throw .port(port) }
        var failure = SocketError.unknownHost(host, reason: "it has no address")
        for address in try resolve(host: host, port: port) {
            do {
                return try listen(on: address, host: host, port: port, backlog: backlog)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// The addresses of `host`, IPv4 first: that is what most clients of `localhost` try first.
    private static func resolve(host: String, port: Int) throws(SocketError) -> [(sockaddr_storage, socklen_t)] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = stream
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else { throw .unknownHost(host, reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }

        var addresses: [(sockaddr_storage, socklen_t)] = []
        var next = list
        while let info = next?.pointee {
            if let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size {
                var storage = sockaddr_storage()
                memcpy(&storage, address, Int(info.ai_addrlen))
                addresses.append((storage, info.ai_addrlen))
            }
            next = info.ai_next
        }
        return addresses.filter { $0.0.ss_family == sa_family_t(AF_INET) }
            + addresses.filter { $0.0.ss_family == sa_family_t(AF_INET6) }
    }

    private static func listen(
        on address: (sockaddr_storage, socklen_t), host: String, port: Int, backlog: Int
    ) throws(SocketError) -> (descriptor: Int32, SocketAddress) {
        let (storage, length) = address
        let descriptor = socket(Int32(storage.ss_family), stream, 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", code: errno) }
        prepare(descriptor)

        // Otherwise a restart would have to wait until old connections have left TIME_WAIT.
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        // "::" then accepts IPv4 clients too.
        if Int32(storage.ss_family) == AF_INET6 { set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }

        let bound = withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0, Foundation.listen(descriptor, Int32(clamping: backlog)) == 0 else {
            let code = errno
            close(descriptor)
            let wanted = SocketAddress(host: host, port: port)
            switch code {
            case EADDRINUSE: throw .addressInUse(wanted)
            case EACCES: throw .permissionDenied(wanted)
            case EADDRNOTAVAIL: throw .addressNotAvailable(wanted)
            default: throw .system(operation: "bind", code: code)
            }
        }
        guard let local = Self.address(of: descriptor) else {
            let code = errno
            close(descriptor)
            throw .system(operation: "getsockname", code: code)
        }
        return (descriptor, local)
    }

    /// Takes over a socket that the process that started this one listens on already.
    ///
    /// - Throws: ``SocketError/notListening(_:)``.
    static func adopt(_ descriptor: Int32) throws(SocketError) -> SocketAddress {
        var isListening: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening != 0,
            let address = Self.address(of: descriptor)
        else { throw .notListening(descriptor) }
        prepare(descriptor)
        return address
    }

    /// The address that a socket is bound to.
    private static func address(of descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let named = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return named == 0 ? SocketAddress(storage) : nil
    }

    /// Accepts the next client in the backlog.
    ///
    /// - Returns: its socket and address, or the error number (`EAGAIN` if no client waits).
    static func accept(_ listener: Int32) -> Result<Client, AcceptFailure> {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let descriptor = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { Foundation.accept(listener, $0, &length) }
        }
        guard descriptor >= 0 else { return .failure(AcceptFailure(code: errno)) }
        prepare(descriptor)
        // A response is written in one piece; Nagle's algorithm would only delay it.
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let isLocal = Int32(storage.ss_family) == AF_UNIX
        let host = isLocal ? Client.localHost : SocketAddress(storage)?.host ?? "unknown"
        return .success(Client(descriptor: descriptor, host: host))
    }

    /// A client that has connected.
    struct Client: Sendable {
        let descriptor: Int32
        /// The address, without its port.
        let host: String

        /// The host of every client of a Unix socket, which has no address.
        static let localHost = "unix"

        /// Whether this is one of the trusted proxies. Clients of a Unix socket are: the permissions of its folder decide
        /// who may connect.
        func isTrusted(by options: ServerOptions) -> Bool {
            if host == Self.localHost { return true }
            guard !options.trustedProxies.isEmpty, let address = ClientAddress(host) else { return false }
            return options.trustedProxies.contains { $0.contains(address) }
        }
    }

    /// Opens a spare descriptor, which is closed when no other is left; -1 on failure.
    static func spare() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

    /// The error number of a failed accept(2).
    struct AcceptFailure: Error {
        let code: Int32

        /// Whether the failure concerns this client only, so that the next one may be accepted (accept(2)).
        var concernsOneClient: Bool {
            switch code {
            case EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENOPROTOOPT,
                EOPNOTSUPP:
                return true
            default:
                #if os(Linux)
                    return code == ENONET
                #else
                    return false
                #endif
            }
        }
    }

    /// Reads what has arrived, at most as much as fits into `buffer`.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Writes as much of `bytes` as the kernel accepts. A broken connection never raises SIGPIPE.
    ///
    /// - Parameter more: whether other bytes follow at once, so that the kernel may wait for them before it sends a
    ///   packet.
    static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, more: Bool) -> Outcome {
        #if os(Linux)
            let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
        #else
            // The socket itself never raises SIGPIPE, and the system has no way to say that more follows.
            let flags: Int32 = 0
        #endif
        while true {
            let count = send(descriptor, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return .bytes(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// What a socket is ready for now, out of `interest`, and whether it is broken.
    static func readiness(_ descriptor: Int32, for interest: Readiness) -> Readiness {
        let events = (interest.contains(.reading) ? POLLIN : 0) | (interest.contains(.writing) ? POLLOUT : 0)
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard poll(&entry, 1, 0) > 0 else { return [] }
        #if os(Linux)
            let broken = POLLERR | POLLHUP | POLLNVAL
        #else
            // Elsewhere POLLHUP may mean that only the other side has ended its stream.
            let broken = POLLERR | POLLNVAL
            if Int32(entry.revents) & POLLHUP != 0, interest.contains(.reading) { entry.revents |= Int16(POLLIN) }
        #endif
        let found = Int32(entry.revents)
        var readiness: Readiness = []
        if found & POLLIN != 0 { readiness.insert(.reading) }
        if found & POLLOUT != 0 { readiness.insert(.writing) }
        // A broken socket counts as ready to read and write: either call returns the reason.
        if found & broken != 0 { readiness.formUnion([.reading, .writing, .broken]) }
        return readiness
    }

    /// Ends this side's stream; the other side may still send.
    static func endWriting(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes a descriptor.
    static func close(_ descriptor: Int32) {
        _ = Foundation.close(descriptor)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Why the server cannot listen, and what to do about it.
public enum SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// ``SocketServer/start()`` was called twice.
    case alreadyStarted
    /// The port is not one of 0…65535.
    case port(Int)
    /// The host has no address; the reason is the resolver's.
    case unknownHost(String, reason: String)
    /// Another program listens on this address.
    case addressInUse(SocketAddress)
    /// This program may not listen on this address: its port is below 1024, and only a privileged program may use
    /// those.
    case permissionDenied(SocketAddress)
    /// No network interface of this machine has this address.
    case addressNotAvailable(SocketAddress)
    /// The path of a Unix socket is longer than the system allows. Units: bytes.
    case pathTooLong(String, limit: Int)
    /// There is a file at the path of a Unix socket that is no socket.
    case notSocket(path: String)
    /// An inherited descriptor is not a socket that listens.
    case notListening(Int32)
    /// This system does not have this poller.
    case pollerUnavailable(PollerKind)
    /// Another system call failed.
    ///
    /// - Parameters:
    ///   - operation: the system call.
    ///   - code: its error number (`errno`).
    case system(operation: String, code: Int32)

    /// One sentence that says what was wrong and what would be right.
    public var description: String {
        switch self {
        case .alreadyStarted:
            "The server has been started already; make a new one."
        case .port(let port):
            "The port \(port) does not exist; choose one of 1…65535, or 0 for a free one."
        case .unknownHost(let host, let reason):
            "The host '\(host)' is unknown (\(reason)); use an address of this machine, 127.0.0.1 or 0.0.0.0 for instance."
        case .addressInUse(let address):
            "The address \(address) is in use by another program; stop it or choose another port (0 takes a free one)."
        case .permissionDenied(let address):
            "Listening on \(address) is not permitted; choose a port from 1024 on, or give the program the right "
                + "to use lower ones (CAP_NET_BIND_SERVICE)."
        case .addressNotAvailable(let address):
            "The address \(address.host) is none of this machine's; use 127.0.0.1 for this machine only, or 0.0.0.0 for "
                + "all its interfaces."
        case .pathTooLong(let path, let limit):
            "The path '\(path)' is too long for a Unix socket; choose one of at most \(limit) bytes."
        case .notSocket(let path):
            "There is a file at '\(path)' that is not a socket; remove it or choose another path."
        case .notListening(let descriptor):
            "The descriptor \(descriptor), which LISTEN_FDS announces, is not a listening socket; a systemd socket unit "
                + "needs ListenStream= and Accept=no."
        case .pollerUnavailable(let kind):
            "The poller '\(kind.rawValue)' does not exist on this system; choose auto or dispatch."
        case .system(let operation, let code):
            "The system refused '\(operation)': \(Self.message(code))."
        }
    }

    static func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}
