import Foundation

/// Asks a running server; one connection for each request.
///
/// It speaks as much of HTTP/1.1 as this server's answers need: a status, Content-Length, and the end of the connection.
struct ServerClient {
    let address: ServerAddress
    /// The longest that a connection, a write or a read may pause.
    var timeout = Duration.seconds(30)

    /// An answer.
    struct Answer {
        let status: Int
        let body: [UInt8]

        /// The sentence of a problem document; nil for other answers.
        var detail: String? { (try? JSONDecoder().decode(Problem.self, from: Data(body)))?.detail }

        private struct Problem: Decodable {
            let detail: String
        }
    }

    /// Why there is no answer.
    enum Failure: Error, CustomStringConvertible {
        case unreachable(ServerAddress, reason: String)
        case broken(ServerAddress, reason: String)

        var description: String {
            switch self {
            case .unreachable(let address, let reason):
                "No server answers at \(address) (\(reason)); start one with alexnet serve, or name its address with --url."
            case .broken(let address, let reason): "The server at \(address) did not answer in full: \(reason)."
            }
        }
    }

    /// The longest answer that is read. Units: bytes.
    private static let maxByteCount = 64 << 20

    /// Sends a request and reads the answer.
    func send(_ method: String, _ target: String, body: [UInt8] = []) throws(Failure) -> Answer {
        let descriptor = try connect()
        defer { close(descriptor) }
        let head =
            "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n"
        // A server that refuses a long body closes its side before it has read it all: its answer counts.
        let isSent = write(descriptor, Array(head.utf8) + body)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while received.count <= Self.maxByteCount {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0 {
                throw .broken(address, reason: errno == EAGAIN ? "nothing came for \(timeout)" : Self.message())
            }
            if count == 0 { break }
            received += buffer.prefix(count)
        }
        guard let answer = Self.parse(received) else {
            throw .broken(address, reason: isSent ? "its answer ends early" : "it closed the connection")
        }
        return answer
    }

    private func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The status and the content; nil if the answer is cut off.
    static func parse(_ bytes: [UInt8]) -> Answer? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return nil }
        let body = Array(bytes[end.upperBound...])
        for line in lines.dropFirst() where line.lowercased().hasPrefix("content-length:") {
            let value = line.dropFirst("content-length:".count).filter { $0 != " " }
            guard let length = Int(value), length <= body.count else { return nil }
            return Answer(status: status, body: Array(body.prefix(length)))
        }
        return Answer(status: status, body: body)
    }

    private func connect() throws(Failure) -> Int32 {
        switch address {
        case .socketFile(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            guard path.utf8.count < MemoryLayout.size(ofValue: name.sun_path) else {
                throw .unreachable(address, reason: "the path is too long")
            }
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            return try withUnsafePointer(to: name) { pointer throws(Failure) in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(Failure) in
                    try connect(AF_UNIX, address, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        case .network(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, String(port), &hints, &list)
            guard code == 0 else { throw .unreachable(address, reason: String(cString: gai_strerror(code))) }
            defer { freeaddrinfo(list) }
            var failure = Failure.unreachable(address, reason: "it has no address")
            var next = list
            while let info = next?.pointee {
                do throws(Failure) {
                    if let name = info.ai_addr { return try connect(info.ai_family, name, info.ai_addrlen) }
                } catch {
                    failure = error
                }
                next = info.ai_next
            }
            throw failure
        }
    }

    private func connect(
        _ family: Int32, _ name: UnsafePointer<sockaddr>, _ length: socklen_t
    ) throws(Failure) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .unreachable(address, reason: Self.message()) }
        let (seconds, attoseconds) = timeout.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard Foundation.connect(descriptor, name, length) == 0 else {
            let reason = Self.message()
            close(descriptor)
            throw .unreachable(address, reason: reason)
        }
        return descriptor
    }

    private static func message() -> String { String(cString: strerror(errno)) }
}
