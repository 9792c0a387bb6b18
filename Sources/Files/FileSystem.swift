import Glibc

/// Where model files are looked for.
///
/// "It is not there" is an answer, nil; "it could not be looked at" is an error. A full table of descriptors or a disk that fails for a
/// moment must not pass for files that have changed.
public protocol FileSystem: Sendable {
    /// The names in a folder, hidden ones too, in no order; nil where there is no such folder.
    func names(in folder: String) throws(FileSystemError) -> [String]?

    /// What a path leads to, symbolic links followed; nil where that is nothing. Opens nothing, so that no pipe or device is touched.
    func status(of path: String) throws(FileSystemError) -> FileStatus?

    /// The path without symbolic links; nil where it leads to nothing.
    func resolve(_ path: String) throws(FileSystemError) -> String?
}

/// What is known of a file without opening it.
public struct FileStatus: Sendable, Equatable {
    /// What it is.
    public enum Kind: Sendable, Equatable {
        case file, folder
        /// A pipe, a socket or a device.
        case other
        /// A symbolic link to a place where this user may not look.
        case unreachable
    }

    public let kind: Kind
    package let inode: UInt64
    /// Units: bytes.
    package let byteCount: Int64
    /// When its content last changed. Units: seconds and nanoseconds since 1970.
    package let seconds: Int
    package let nanoseconds: Int

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
    }
}

/// Something could not be looked at; whether it is there is not known.
public struct FileSystemError: Error, Equatable, Sendable, CustomStringConvertible {
    public let path: String
    /// The system's own words.
    public let reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    package init(path: String, code: Int32) { self.init(path: path, reason: Self.words(code)) }

    public var description: String { "\(path) cannot be looked at: \(reason)" }

    /// Whether the process, or the whole machine, has no descriptor left.
    public var isShortOfDescriptors: Bool { reason == Self.words(EMFILE) || reason == Self.words(ENFILE) }

    /// Codes that say that a path leads to nothing: the answer of a file system that works.
    private static let absences = [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG]

    package static func isAbsence(_ code: Int32) -> Bool { absences.contains(code) }

    /// The same of the system's words.
    package static func isAbsence(_ reason: String) -> Bool { absences.contains { words($0) == reason } }

    /// The system's words for what is not there, and for what may not be read.
    package static let missing = words(ENOENT)
    package static let denied = words(EACCES)

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
            // The end of a folder and a failure look the same but for this (readdir(3)).
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
