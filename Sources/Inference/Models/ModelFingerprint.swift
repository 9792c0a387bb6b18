import Files

/// What tells, without reading them, whether a model's files have changed.
public struct ModelFingerprint: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        let path: String
        let status: FileStatus
    }

    private let entries: [Entry]

    /// Looks at each file once; one that is not there has no entry.
    ///
    /// - Throws: ``FileSystemError`` where one could not be looked at: nothing is known then.
    init(paths: [String], in fileSystem: any FileSystem = LocalFileSystem()) throws(FileSystemError) {
        var entries: [Entry] = []
        for path in paths {
            guard let status = try fileSystem.status(of: path), status.kind == .file else { continue }
            entries.append(Entry(path: path, status: status))
        }
        self.entries = entries
    }

    private init() { entries = [] }

    /// Of no files at all.
    public static let none = ModelFingerprint()

    /// Of all files together. Units: bytes.
    public var byteCount: Int { entries.reduce(0) { $0 + Int(clamping: $1.status.byteCount) } }

    /// Set where not one file was there.
    public var isEmpty: Bool { entries.isEmpty }
}
