import Glibc

/// Reads small files whole, but never more than a limit.
///
/// It serves `/proc` and cgroup files too, whose size is unknown before they are read.
package enum BoundedFile {
    /// Why a file was not read.
    package enum Failure: Error, Equatable {
        /// There is no such file.
        case missing
        /// The file has more bytes than the limit. Units: bytes.
        case tooLarge(limit: Int)
        /// A system call failed; `reason` is the system's error text.
        case system(reason: String)
    }

    /// The bytes of the whole file.
    ///
    /// - Parameter limit: the most bytes that the file may have. Units: bytes.
    package static func contents(of path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .missing : .system(reason: systemReason())
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(reason: systemReason())
            }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit { throw .tooLarge(limit: limit) }
        }
    }

    /// A small text file; nil if it cannot be read or is not UTF-8.
    package static func text(_ path: String) -> String? {
        (try? contents(of: path, limit: 1 << 20)).flatMap { String(validating: $0, as: UTF8.self) }
    }

    private static func systemReason() -> String { String(cString: strerror(errno)) }
}
