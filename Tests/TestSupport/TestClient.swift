import Dispatch
import Glibc

/// A small HTTP client that blocks, on a thread of its own, so that the tests' tasks never do.
///
/// It sends the bytes it is told to, and reads answers by their Content-Length.
public final class TestClient: @unchecked Sendable {  // guard: all state is touched on `queue` only
    /// An answer, taken apart.
    public struct Answer: Equatable, Sendable {
        /// Three digits.
        public let status: Int
        /// By lower-case name.
        public let fields: [String: String]
        public let bytes: [UInt8]

        /// The content as text.
        public var body: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// The server cannot be reached, or ended the connection before its answer was whole.
    public struct Disconnected: Error {
        /// The one mistake there is.
        public init() {}
    }

    private let queue = DispatchQueue(label: "client")
    private let descriptor: Int32
    /// What the client keeps alive: its server.
    private let server: (any Sendable)?
    private var received: [UInt8] = []

    /// Connects; nothing waits longer than two minutes, so that a defect is a failure and not a hang. A
    /// connection that is refused is noticed when reading.
    ///
    /// - Parameters:
    ///   - source: the address that the client comes from, where a test has several: `127.0.0.2`, for instance.
    ///   - server: is kept alive as long as the client.
    ///   - receiveBuffer: the kernel's, where a test wants it small. Units: bytes.
    public init(
        host: String = "127.0.0.1", port: Int, source: String? = nil, server: (any Sendable)? = nil,
        receiveBuffer: Int32? = nil
    ) {
        self.server = server
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        if let source { Self.with(source, port: 0) { _ = bind(descriptor, $0, $1) } }
        Self.with(host, port: port) { _ = connect(descriptor, $0, $1) }
    }

    /// Connects to a Unix socket.
    public init(path: String, server: (any Sendable)? = nil) {
        self.server = server
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func with(_ host: String, port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Void) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        name.sin_addr.s_addr = inet_addr(host)
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }

    /// Sends everything; a broken connection is noticed when reading.
    public func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Sends everything; a broken connection is noticed when reading.
    public func send(_ bytes: [UInt8]) async {
        await onQueue { [self] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.send(
                        descriptor, UnsafeRawBufferPointer(rebasing: $0[sent...]).baseAddress, bytes.count - sent,
                        Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                sent += count
            }
        }
    }

    /// Reads one answer; nil if the connection ends before it is whole.
    public func answer(isHead: Bool = false) async -> Answer? {
        await onQueue { [self] in
            var head: [String] = []
            while true {
                guard let line = line() else { return nil }
                if line.isEmpty { break }
                head.append(line)
            }
            guard let status = head.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
                return nil
            }
            var fields: [String: String] = [:]
            for line in head.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[parts[0].lowercased()] = String(parts[1].dropFirst())
            }
            let count = isHead ? 0 : Int(fields["content-length"] ?? "0") ?? 0
            while received.count < count { guard fill() else { return nil } }
            defer { received.removeFirst(count) }
            return Answer(status: status, fields: fields, bytes: Array(received.prefix(count)))
        }
    }

    /// Sends a request and reads its answer.
    public func ask(_ text: String) async -> Answer? {
        await send(text)
        return await answer(isHead: text.hasPrefix("HEAD "))
    }

    /// Sends a request with its Content-Length and reads its answer.
    ///
    /// - Throws: ``Disconnected`` when the connection ends before the answer is whole.
    public func exchange(
        _ method: String, _ target: String, fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        await send(Array((head + "\r\n").utf8) + body)
        guard let answer = await answer(isHead: method == "HEAD") else { throw Disconnected() }
        return answer
    }

    /// Whether the server ends the connection without another byte.
    public func isAtEnd() async -> Bool {
        await onQueue { [self] in received.isEmpty && !fill() && lastRead == 0 }
    }

    /// Ends this side's stream.
    public func endWriting() async { await onQueue { [self] in _ = shutdown(descriptor, Int32(SHUT_WR)) } }

    /// Hangs up with a reset.
    public func reset() async {
        await onQueue { [self] in
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
            var name = sockaddr()
            name.sa_family = sa_family_t(AF_UNSPEC)
            _ = connect(descriptor, &name, socklen_t(MemoryLayout<sockaddr>.size))  // dissolves the connection
        }
    }

    private var lastRead = 1

    private func fill() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        lastRead = recv(descriptor, &buffer, buffer.count, 0)
        guard lastRead > 0 else { return false }
        received += buffer.prefix(lastRead)
        return true
    }

    private func line() -> String? {
        while true {
            if let end = received.firstIndex(of: 10) {
                defer { received.removeFirst(end + 1) }
                return String(decoding: received[..<end].dropLast(), as: UTF8.self)
            }
            guard fill() else { return nil }
        }
    }

    private func onQueue<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }
}
