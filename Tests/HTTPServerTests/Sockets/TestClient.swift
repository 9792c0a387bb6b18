import Dispatch
import Glibc

@testable import HTTPServer

/// A small client that blocks, on a thread of its own, so that the tests' tasks never do.
final class TestClient: @unchecked Sendable {  // guard: all state is touched on `queue` only
    /// An answer, taken apart.
    struct Answer: Equatable {
        var status: Int
        var fields: [String: String]
        var body: String
    }

    private let queue = DispatchQueue(label: "client")
    private let descriptor: Int32
    private let server: TestServer?
    private var received: [UInt8] = []

    /// Connects; nothing waits longer than 20 s, so that a defect is a failure and not a hang.
    init(_ address: SocketAddress, server: TestServer? = nil, receiveBuffer: Int32? = nil) {
        self.server = server
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(address.port).bigEndian
        name.sin_addr.s_addr = inet_addr(address.host)
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    deinit { close(descriptor) }

    /// Sends everything; a broken connection is noticed when reading.
    func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Sends everything; a broken connection is noticed when reading.
    func send(_ bytes: [UInt8]) async {
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
    func answer(isHead: Bool = false) async -> Answer? {
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
            return Answer(status: status, fields: fields, body: String(decoding: received.prefix(count), as: UTF8.self))
        }
    }

    /// Sends a request and reads its answer.
    func ask(_ text: String) async -> Answer? {
        await send(text)
        return await answer(isHead: text.hasPrefix("HEAD "))
    }

    /// Whether the server ends the connection without another byte.
    func isAtEnd() async -> Bool {
        await onQueue { [self] in received.isEmpty && !fill() && lastRead == 0 }
    }

    /// Ends this side's stream.
    func endWriting() async { await onQueue { [self] in _ = shutdown(descriptor, Int32(SHUT_WR)) } }

    /// Hangs up with a reset.
    func reset() async {
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
