import Glibc

/// The file system in which model files are looked up.
///
/// A missing file is an answer: nil. A failed look-up is an error: a full descriptor table, or a disk that fails for a
/// moment, must not look like files that have changed.
public protocol FileSystem: Sendable {
    /// The names in a folder, hidden ones too, in no order; nil if there is no such folder.
    func names(in folder: String) throws(FileSystemError) -> [String]?

    /// The status of what a path leads to, symbolic links followed; nil if it leads to nothing. Opens nothing, so that
    /// no pipe or device is touched.
    func status(of path: String) throws(FileSystemError) -> FileStatus?

    /// The path without symbolic links; nil if it leads to nothing.
    func resolve(_ path: String) throws(FileSystemError) -> String?
}

/// What is known of a file without opening it.
public struct FileStatus: Sendable, Equatable {
    /// The kind of a file.
    public enum Kind: Sendable, Equatable {
        /// A regular file, or a folder.
        case file, folder
        /// A pipe, a socket or a device.
        case other
        /// A symbolic link to a place where this user may not look.
        case unreachable
    }

    /// The kind of the file.
    public let kind: Kind
    /// The file's number in its file system.
    package let inode: UInt64
    /// The size of the file. Units: bytes.
    package let byteCount: Int64
    /// When its content last changed. Units: whole seconds since 1970.
    package let seconds: Int
    /// The rest of that time. Units: nanoseconds.
    package let nanoseconds: Int
    /// How many names the file has (hard links).
    package let linkCount: Int
    /// The number of the user whose file it is.
    package let owner: UInt32

    init(_ status: stat, isReachable: Bool = true) {
        kind =
            switch status.st_mode & S_IFMT {
            case _ where !isReachable: .unreachable
            case S_IFREG: .file
            case S_IFDIR: .folder
            default: .other
            }
        inode = UInt64(status.st_ino)
        byteCount = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
        linkCount = Int(status.st_nlink)
        owner = status.st_uid
    }

    /// Whether it is the same content: another name or owner changes nothing about that.
    public static func == (one: Self, other: Self) -> Bool {
        one.kind == other.kind && one.inode == other.inode && one.byteCount == other.byteCount
            && one.seconds == other.seconds && one.nanoseconds == other.nanoseconds
    }
}

/// A path could not be looked up, so it is not known whether it exists.
public struct FileSystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path that could not be looked up.
    public let path: String
    /// The system's error text.
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package init(path: String, code: Int32) { self.init(path: path, reason: Self.words(code)) }

    public var description: String { "\(path) cannot be accessed: \(reason)" }

    /// Whether the process, or the whole machine, has no descriptor left.
    public var isShortOfDescriptors: Bool { reason == Self.words(EMFILE) || reason == Self.words(ENFILE) }

    /// Error numbers that mean that a path leads to nothing. That is an answer, not a failure.
    private static let absences = [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG]

    /// Whether this error number means that a path leads to nothing.
    package static func isAbsence(_ code: Int32) -> Bool { absences.contains(code) }

    /// Whether this error text means that a path leads to nothing.
    package static func isAbsence(_ reason: String) -> Bool { absences.contains { words($0) == reason } }

    /// The system's error texts for a missing file and for a missing permission.
    package static let missing = words(ENOENT)
    package static let denied = words(EACCES)

    /// The system's text for an error number (strerror(3)).
    package static func words(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// The file system of this machine.
public struct LocalFileSystem: FileSystem {
    public init() {}

    public func names(in folder: String) throws(FileSystemError) -> [String]? {
        guard let stream = opendir(folder) else {
            let code = errno
            if FileSystemError.isAbsence(code) { return nil }
            throw FileSystemError(path: folder, code: code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // Only errno tells the end of a folder from a failure (readdir(3)).
            errno = 0
            guard let entry = readdir(stream) else {
                let code = errno
                if code == 0 { return names }
                throw FileSystemError(path: folder, code: code)
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    public func status(of path: String) throws(FileSystemError) -> FileStatus? {
        var status = stat()
        if stat(path, &status) == 0 { return FileStatus(status) }
        let code = errno
        if FileSystemError.isAbsence(code) { return nil }
        if code == EACCES, lstat(path, &status) == 0 { return FileStatus(status, isReachable: false) }
        throw FileSystemError(path: path, code: code)
    }

    public func resolve(_ path: String) throws(FileSystemError) -> String? {
        guard let resolved = realpath(path, nil) else {
            let code = errno
            if FileSystemError.isAbsence(code) { return nil }
            throw FileSystemError(path: path, code: code)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
