#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What tells, without reading them, whether a model's files have changed.
public struct ModelFingerprint: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        let path: String
        let inode: UInt64
        let byteCount: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    private let entries: [Entry]

    /// Looks at each file once; one that is not there has no entry.
    init(paths: [String]) {
        entries = paths.compactMap { path in
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
            return Entry(
                path: path, inode: UInt64(status.st_ino), byteCount: Int64(status.st_size),
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        }
    }

    /// Of no files at all.
    public static var none: Self { Self(paths: []) }

    /// Of all files together. Units: bytes.
    public var byteCount: Int { entries.reduce(0) { $0 + Int(clamping: $1.byteCount) } }

    /// Set where not one file was there.
    public var isEmpty: Bool { entries.isEmpty }
}
