import Foundation
import Glibc

/// The programs that were built beside the tests.
enum BuiltPrograms {
    /// The folder that holds them, `.build/debug` of the package.
    static let folder: String? = {
        let folders: [String?] = [
            Repository.url(".build/debug").path,
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path,
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map {
                URL(fileURLWithPath: $0).deletingLastPathComponent().path
            },
        ]
        return folders.compactMap(\.self).first { FileManager.default.isExecutableFile(atPath: $0 + "/alexnet") }
            .map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path }
    }()

    /// A TCP port that nobody listens on now.
    static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                getsockname(descriptor, $0, &length)
            }
        }
        return Int(UInt16(bigEndian: name.sin_port))
    }
}
