import Glibc

/// Replaces a file atomically: once the new file is complete and on the disk, or not at all.
///
/// The bytes go to `.NAME.partial` in the same folder, a hidden file that the search for models ignores. ``commit()``
/// flushes them to the disk and renames the file. If the writer fails, or is released before, the old file stays and
/// the partial one is removed. A process that is killed leaves a partial file, which the next writer takes over. A lock
/// keeps two writers of one file apart.
///
/// If the path is a symbolic link, the file that it leads to is replaced.
public final class AtomicFile {
    /// The path of the file, as it was given.
    public let path: String
    /// How many bytes have been written. Units: bytes.
    public private(set) var byteCount = 0

    private let destination: String
    private let partial: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isOpen = true

    /// Small writes are buffered up to this size. Units: bytes.
    private static let bufferByteCount = 1 << 16
    /// Linux writes at most about 2 GB at once. Units: bytes.
    private static let chunkByteCount = 64 << 20
    /// How often to try again if another writer removes the partial file between its opening and its locking.
    private static let attemptCount = 16

    /// Opens the partial file.
    ///
    /// - Parameter expectedByteCount: the least that will be written. If there is no room for it, this throws at once.
    ///   Units: bytes.
    /// - Throws: ``FileWriteError``
    public init(_ path: String, expectedByteCount: Int = 0) throws(FileWriteError) {
        self.path = path
        destination = try Self.destination(of: path)
        let (folder, name) = Self.split(destination)
        partial = folder + "." + name + ".partial"
        descriptor = try Self.openLocked(partial, for: path)
        var status = stat()
        if stat(destination, &status) == 0 { _ = fchmod(descriptor, status.st_mode & 0o777) }
        guard Self.hasRoom(for: expectedByteCount, on: descriptor) else {
            throw failure(ENOSPC, byteCount: expectedByteCount)
        }
    }

    deinit { if isOpen { abandon() } }

    /// Appends bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(FileWriteError) {
        if buffer.count + bytes.count > Self.bufferByteCount { try flush() }
        if bytes.count > Self.bufferByteCount {
            try put(bytes)
        } else {
            buffer.append(contentsOf: bytes)
        }
        byteCount += bytes.count
    }

    /// Appends bytes.
    public func write(_ bytes: [UInt8]) throws(FileWriteError) {
        try bytes.withRawBytes { bytes throws(FileWriteError) in try write(bytes) }
    }

    /// Overwrites bytes that have been written: for a header that depends on what follows it.
    public func overwrite(_ bytes: [UInt8], at offset: Int) throws(FileWriteError) {
        precondition(
            offset >= 0 && offset + bytes.count <= byteCount,
            "\(bytes.count) bytes at \(offset) do not lie in \(byteCount)")
        let flushedByteCount = byteCount - buffer.count
        if offset >= flushedByteCount {
            let start = offset - flushedByteCount
            buffer.replaceSubrange(start..<start + bytes.count, with: bytes)
            return
        }
        try flush()
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, offset + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            written += count
        }
    }

    /// Flushes the bytes to the disk and renames the file. Nothing can be written afterwards.
    public func commit() throws(FileWriteError) {
        precondition(isOpen, "\(path) was committed before")
        try flush()
        guard fsync(descriptor) == 0, rename(partial, destination) == 0 else { throw failure(errno) }
        isOpen = false
        close(descriptor)
        // The name is an entry of the folder, which has to be flushed by itself.
        let folder = open(Self.split(destination).folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .notMadeDurable(file: path, reason: Self.reason(errno)) }
        defer { close(folder) }
        // Some file systems cannot flush a folder, and say so.
        guard fsync(folder) == 0 || errno == EINVAL || errno == EOPNOTSUPP else {
            throw .notMadeDurable(file: path, reason: Self.reason(errno))
        }
    }

    /// Removes the partial file; the old file stays. This also happens when the last reference is released.
    public func abandon() {
        guard isOpen else { return }
        isOpen = false
        unlink(partial)
        close(descriptor)
    }

    /// Replaces a file by one with these bytes.
    public static func write(_ bytes: [UInt8], to path: String) throws(FileWriteError) {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }

    /// Replaces a file by one with this text, as UTF-8.
    public static func write(_ text: String, to path: String) throws(FileWriteError) {
        try write(Array(text.utf8), to: path)
    }

    private func flush() throws(FileWriteError) {
        try buffer.withRawBytes { bytes throws(FileWriteError) in try put(bytes) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(FileWriteError) {
        precondition(isOpen, "\(path) was committed or abandoned before")
        var written = 0
        while written < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[written...].prefix(Self.chunkByteCount))
            let count = Glibc.write(descriptor, part.baseAddress, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno, byteCount: byteCount + bytes.count) }
            written += count
        }
    }

    private func failure(_ code: Int32, byteCount: Int? = nil) -> FileWriteError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .noSpace(file: path, byteCount: byteCount ?? self.byteCount)
        default: .failed(file: path, reason: Self.reason(code))
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

    /// The folder with its slash, and the name in it.
    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("./", path) }
        return (String(path[...slash]), String(path[path.index(after: slash)...]))
    }

    /// Whether the file system may have room. Not every file system reports that, and a quota may still forbid it.
    private static func hasRoom(for byteCount: Int, on descriptor: Int32) -> Bool {
        var status = statvfs()
        guard fstatvfs(descriptor, &status) == 0, status.f_blocks > 0 else { return true }
        let free = UInt64(status.f_bfree).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return free.overflow || UInt64(byteCount) <= free.partialValue
    }

    /// The path that a symbolic link leads to, or else the path itself.
    private static func destination(of path: String) throws(FileWriteError) -> String {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT, !split(path).name.isEmpty else {
                throw .failed(file: path, reason: reason(errno))
            }
            return path
        }
        var destination = path
        if status.st_mode & S_IFMT == S_IFLNK {
            guard let resolved = realpath(path, nil) else { throw .failed(file: path, reason: reason(errno)) }
            defer { free(resolved) }
            destination = String(cString: resolved)
            guard stat(destination, &status) == 0 else { throw .failed(file: path, reason: reason(errno)) }
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(file: path) }
        return destination
    }

    /// Opens the partial file, empty and for this writer alone.
    private static func openLocked(_ partial: String, for path: String) throws(FileWriteError) -> Int32 {
        for _ in 0..<attemptCount {
            let descriptor = open(partial, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
            guard descriptor >= 0 else {
                throw errno == ENOSPC || errno == EDQUOT
                    ? .noSpace(file: path, byteCount: 0) : .failed(file: path, reason: reason(errno))
            }
            // Some file systems have no locks. There the writers have to coordinate themselves.
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
                close(descriptor)
                throw .busy(file: path)
            }
            var (opened, named) = (stat(), stat())
            if fstat(descriptor, &opened) == 0, lstat(partial, &named) == 0, opened.st_ino == named.st_ino,
                opened.st_dev == named.st_dev
            {
                // The file of a killed writer is taken over, unless it has another hard link.
                if opened.st_mode & S_IFMT == S_IFREG, opened.st_nlink == 1, ftruncate(descriptor, 0) == 0 {
                    return descriptor
                }
                unlink(partial)
            }
            close(descriptor)
        }
        throw .busy(file: path)
    }
}

/// Why a file was not written. The old file is still there, except after ``notMadeDurable(file:reason:)``.
public enum FileWriteError: Error, Equatable, Sendable {
    /// The path leads to something other than a regular file.
    case notAFile(file: String)
    /// Another program, or another part of this one, is writing the same file.
    case busy(file: String)
    /// The disk or the quota is full, or the file would be larger than allowed. Units: bytes.
    case noSpace(file: String, byteCount: Int)
    /// A system call failed; `reason` is the system's error text.
    case failed(file: String, reason: String)
    /// The new file is in place, but a power cut could still undo that; `reason` is the system's error text.
    case notMadeDurable(file: String, reason: String)
}

extension FileWriteError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notAFile(let file): "\(file) cannot be written: it is not a regular file."
        case .busy(let file): "\(file) cannot be written: another process is writing it."
        case .noSpace(let file, let byteCount):
            "\(file) cannot be written: there is no space left for its \(byteCount) bytes; free some and try again."
        case .failed(let file, let reason): "\(file) cannot be written: \(reason)."
        case .notMadeDurable(let file, let reason):
            "\(file) is written, but a power cut could still undo that: \(reason)."
        }
    }
}

extension [UInt8] {
    /// Lends the bytes for the duration of a call; unlike `withUnsafeBytes`, it keeps the error's type.
    package func withRawBytes<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        try withUnsafeBufferPointer { bytes throws(E) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}
