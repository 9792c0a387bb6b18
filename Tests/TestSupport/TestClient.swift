import Dispatch
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// An HTTP client as plain as can be: it sends the bytes it is told to, and reads answers by their Content-Length.
///
/// Its blocking calls run on Dispatch's threads, so that they never occupy those on which the server's handlers run.
public final class TestClient: @unchecked Sendable {  // guard: its socket is used on `queue` only
    /// What the server answered.
    public struct Answer: Sendable {
        public let status: Int
        /// By lower-case name.
        public let fields: [String: String]
        public let body: [UInt8]

        /// The content as text.
        public var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// The connection ended, or nothing came for ten seconds.
    public struct Disconnected: Error {}

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "test.client")
    private var received: [UInt8] = []

    /// Connects to a port of this machine.
    public init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 {
            close(descriptor)
            throw Disconnected()
        }
    }

    deinit { close(descriptor) }

    /// Sends bytes as they are.
    public func send(_ bytes: [UInt8]) async throws {
        try await run { [descriptor] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Disconnected() }
                sent += count
            }
        }
    }

    /// The next answer; 100 (Continue) is passed over.
    public func receive() async throws -> Answer {
        try await run { [self] in
            while true {
                let answer = try readAnswer()
                if answer.status != 100 { return answer }
            }
        }
    }

    /// Sends a request and waits for its answer.
    public func exchange(
        _ method: String, _ target: String, fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        try await send(Array((head + "\r\n").utf8) + body)
        return try await receive()
    }

    /// Closes the sending side at once, as a client does that has lost patience.
    public func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }

    private func readAnswer() throws -> Answer {
        let end = Array("\r\n\r\n".utf8)
        while received.firstRange(of: end) == nil { try fill() }
        guard let headRange = received.firstRange(of: end) else { throw Disconnected() }
        let lines = String(decoding: received[..<headRange.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if pair.count == 2 { fields[pair[0].lowercased()] = pair[1] }
        }
        received.removeFirst(headRange.upperBound)
        let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        let count = status == 100 ? 0 : Int(fields["content-length"] ?? "") ?? 0
        while received.count < count { try fill() }
        defer { received.removeFirst(count) }
        return Answer(status: status, fields: fields, body: Array(received.prefix(count)))
    }

    private func fill() throws {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { throw Disconnected() }
        received += buffer[..<count]
    }
}
