import Foundation

/// What systemd hands to a service, and what the service tells it.
///
/// - Source: sd_listen_fds(3); sd_notify(3)
struct ServiceManager {
    private let environment: [String: String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) { self.environment = environment }

    /// The first descriptor that is handed over.
    private static let firstDescriptor: Int32 = 3

    /// The socket that a socket unit listens on; nil if there is none for this process.
    func listeningDescriptor(processNumber: Int32 = getpid()) -> Int32? {
        guard let pid = environment["LISTEN_PID"].flatMap({ Int32($0) }), pid == processNumber,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { return nil }
        return Self.firstDescriptor
    }

    /// Tells that requests are accepted.
    func ready() { notify("READY=1") }

    /// Tells that the service is stopping.
    func stopping() { notify("STOPPING=1") }

    private func notify(_ state: String) {
        guard let path = environment["NOTIFY_SOCKET"], let first = path.first, "/@".contains(first) else { return }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { return }
        // An abstract socket, whose name begins with a zero byte.
        if first == "@" { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path).map { socklen_t($0 + bytes.count) } ?? 0
        withUnsafePointer(to: name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, state, state.utf8.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
