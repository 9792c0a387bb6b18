import Glibc
import Synchronization

/// Reads a whole file into memory of this process.
public enum FileSnapshot {
    /// How much is read at once: a few milliseconds of work, most of it the kernel's clearing of new pages. Units: bytes.
    private static let chunkByteCount = 4 << 20

    /// Runs a body for each index of `0..<count`, on one thread or several.
    package typealias Loop = (_ count: Int, _ body: @escaping @Sendable (_ index: Int) -> Void) -> Void

    /// The bytes of a regular file, as a consistent snapshot.
    ///
    /// - Parameter loop: shares the reading among threads; by default it is done on this one.
    /// - Throws: ``FileError`` when the file cannot be read, is too large, or changes meanwhile.
    package static func contents(
        of path: String, maxByteCount: Int, loop: Loop = { count, body in (0..<count).forEach(body) }
    ) throws(FileError) -> AlignedBuffer {
        // Without O_NONBLOCK opening a named pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }

        let before = try status(of: descriptor, path)
        guard before.st_mode & S_IFMT == S_IFREG else { throw .notAFile(file: path) }
        let byteCount = Int(before.st_size)
        guard byteCount <= maxByteCount else {
            throw .tooLarge(file: path, byteCount: byteCount, limit: maxByteCount)
        }

        let buffer = AlignedBuffer(byteCount: byteCount)
        let failure = Mutex<FileError?>(nil)
        loop((byteCount + chunkByteCount - 1) / chunkByteCount) { chunk in
            guard failure.withLock({ $0 == nil }) else { return }
            let first = chunk * chunkByteCount
            do throws(FileError) {
                try read(first..<min(first + chunkByteCount, byteCount), of: descriptor, path, into: buffer)
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock(\.self) { throw error }

        let after = try status(of: descriptor, path)
        guard
            after.st_size == before.st_size, after.st_mtim.tv_sec == before.st_mtim.tv_sec,
            after.st_mtim.tv_nsec == before.st_mtim.tv_nsec
        else { throw .changedWhileReading(file: path) }
        return buffer
    }

    /// Reads a part of a file to the same part of a buffer.
    private static func read(
        _ range: Range<Int>, of descriptor: Int32, _ path: String, into buffer: AlignedBuffer
    ) throws(FileError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[offset..<range.upperBound])
            let count = pread(descriptor, part.baseAddress, part.count, off_t(offset))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            guard count > 0 else { throw .changedWhileReading(file: path) }
            offset += count
        }
    }

    /// The bytes as an array, for small files.
    public static func bytes(of path: String, maxByteCount: Int) throws(FileError) -> [UInt8] {
        let buffer = try contents(of: path, maxByteCount: maxByteCount)
        return withExtendedLifetime(buffer) { Array(buffer.bytes) }
    }

    /// The size of a regular file, without reading it; nil if there is none. Units: bytes.
    package static func byteCount(of path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// The first bytes of a regular file, or all if there are fewer; nil if it cannot be read.
    package static func prefix(of path: String, byteCount: Int) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let found = try? status(of: descriptor, path), found.st_mode & S_IFMT == S_IFREG else { return nil }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = pread(descriptor, &bytes, byteCount, 0)
        return count >= 0 ? Array(bytes.prefix(count)) : nil
    }

    private static func status(of descriptor: Int32, _ path: String) throws(FileError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
        return status
    }

    private static func unreadable(_ path: String) -> FileError {
        .unreadable(file: path, reason: String(cString: strerror(errno)))
    }
}

/// Why a file was not read.
public enum FileError: Error, Equatable, Sendable {
    /// A system call failed; `reason` is the system's error text.
    case unreadable(file: String, reason: String)
    /// The path leads to a folder, a pipe or a device.
    case notAFile(file: String)
    /// The file has more bytes than the limit. Units: bytes.
    case tooLarge(file: String, byteCount: Int, limit: Int)
    /// The file's size or modification time changed while it was read.
    case changedWhileReading(file: String)
    /// The file is not text; `found` ends a sentence that begins with the file's name.
    case notText(file: String, found: String)
}

extension FileError: CustomStringConvertible {
    /// One sentence on one line, without its full stop.
    public var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .notAFile(let file): "\(file) is not a regular file"
        case .tooLarge(let file, let byteCount, let limit):
            "\(file) has \(byteCount) bytes, and at most \(limit) are read"
        case .changedWhileReading(let file):
            "\(file) changed while it was read: write files beside it and rename them into place"
        case .notText(let file, let found): "\(file) is not text in UTF-8: it \(found)"
        }
    }
}
