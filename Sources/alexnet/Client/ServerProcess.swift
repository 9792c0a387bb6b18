import Foundation

/// A process of this program that serves, as /proc shows it.
///
/// - Source: proc(5)
struct ServerProcess: Equatable {
    let pid: Int32
    /// Where it listens; empty while it is still starting.
    let addresses: [ServerAddress]
    /// Resident memory. Units: bytes.
    let residentByteCount: Int
    /// When it was started.
    let startedAt: Date

    /// The servers that this user may signal, by ascending process number.
    ///
    /// - Parameter root: `/proc`, or what a test puts in its place.
    static func all(in root: String = "/proc") -> [ServerProcess] {
        let listening = ListeningSockets(root: root)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.compactMap { Int32($0) }.sorted().compactMap { pid in
            guard isServer("\(root)/\(pid)"), root != "/proc" || kill(pid, 0) == 0 else { return nil }
            return ServerProcess(pid: pid, folder: "\(root)/\(pid)", listening: listening)
        }
    }

    private static func isServer(_ folder: String) -> Bool {
        guard let line = FileManager.default.contents(atPath: folder + "/cmdline") else { return false }
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.count >= 2 && (words[0].split(separator: "/").last?.hasPrefix("alexnet") ?? false)
            && words[1] == "serve"
    }

    private init?(pid: Int32, folder: String, listening: ListeningSockets) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: folder),
            let startedAt = attributes[.creationDate] as? Date ?? attributes[.modificationDate] as? Date
        else { return nil }
        self.pid = pid
        self.startedAt = startedAt
        let status = FileManager.default.contents(atPath: folder + "/statm").map { String(decoding: $0, as: UTF8.self) }
        let pages = status?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        residentByteCount = pages * Int(getpagesize())
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/fd")) ?? []
        let inodes = descriptors.compactMap { name -> String? in
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(name)"),
                target.hasPrefix("socket:[")
            else { return nil }
            return String(target.dropFirst("socket:[".count).dropLast())
        }
        addresses = inodes.compactMap { listening.addresses[$0] }.sorted { $0.description < $1.description }
    }
}

/// The sockets of this machine that listen, by their inodes.
private struct ListeningSockets {
    let addresses: [String: ServerAddress]

    init(root: String) {
        var addresses: [String: ServerAddress] = [:]
        for (file, isIPv6) in [("tcp", false), ("tcp6", true)] {
            for line in Self.lines(root + "/net/" + file) {
                let words = line.split(separator: " ")
                // 0A: TCP_LISTEN.
                guard words.count > 9, words[3] == "0A" else { continue }
                let pieces = words[1].split(separator: ":")
                guard pieces.count == 2, let port = Int(pieces[1], radix: 16) else { continue }
                let host = isIPv6 ? Self.ipv6(pieces[0]) : Self.ipv4(pieces[0])
                if let host { addresses[String(words[9])] = .network(host: host, port: port) }
            }
        }
        for line in Self.lines(root + "/net/unix") {
            let words = line.split(separator: " ")
            // The flag 00010000: it accepts connections.
            guard words.count > 7, words[3] == "00010000", words[7].hasPrefix("/") else { continue }
            addresses[String(words[6])] = .socketFile(String(words[7]))
        }
        self.addresses = addresses
    }

    private static func lines(_ path: String) -> [Substring] {
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().map { $0 }
    }

    /// `0100007F` is 127.0.0.1: the bytes of a word of this machine's order.
    private static func ipv4(_ text: Substring) -> String? {
        guard let word = UInt32(text, radix: 16) else { return nil }
        let bytes = withUnsafeBytes(of: word) { Array($0) }
        return bytes.allSatisfy { $0 == 0 } ? "127.0.0.1" : bytes.map(String.init).joined(separator: ".")
    }

    /// Four such words.
    private static func ipv6(_ text: Substring) -> String? {
        guard text.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: 32, by: 8) {
            let first = text.index(text.startIndex, offsetBy: start)
            guard let word = UInt32(text[first..<text.index(first, offsetBy: 8)], radix: 16) else { return nil }
            bytes += withUnsafeBytes(of: word) { Array($0) }
        }
        // Every interface, or only this machine.
        if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes[15] <= 1 { return "::1" }
        var name = in6_addr()
        withUnsafeMutableBytes(of: &name) { $0.copyBytes(from: bytes) }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &name, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
