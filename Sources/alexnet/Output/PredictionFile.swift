import Files
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The file that `alexnet predict --output` writes. A later run can continue it.
struct PredictionFile: ~Copyable {
    /// The images whose answers an earlier run wrote; those that could not be read are among them.
    let done: Set<String>
    /// Whether nothing is in the file, not even a header.
    let isEmpty: Bool
    private let path: String
    private let descriptor: Int32

    /// The largest file that is continued. Units: bytes.
    private static let maxByteCount = 2 << 30

    /// Creates a file, or opens one to continue it. What an interrupted run left of a line is cut off.
    ///
    /// - Parameters:
    ///   - continues: whether the file may exist.
    ///   - version: that of the model.
    /// - Throws: ``PredictionFileError``
    init(
        _ path: String, format: PredictionFormat, top: Int, version: String, continues: Bool
    ) throws(PredictionFileError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (continues ? 0 : O_EXCL), 0o666)
        guard descriptor >= 0 else {
            throw errno == EEXIST ? .exists(path) : .unwritable(path, reason: String(cString: strerror(errno)))
        }
        do throws(PredictionFileError) {
            // Another run would write the same images. The lock ends with this process; not every file system has locks.
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else { throw .isInUse(path) }
            let text = try Self.read(path)
            let entries = try format.entries(in: text, top: top)
            if let other = entries.compactMap(\.version).first(where: { $0 != version }) {
                throw .otherVersion(path, found: other, expected: version)
            }
            // Without an entry only a header, if that, is there; it is written again.
            let end = entries.last?.end ?? 0
            guard ftruncate(descriptor, off_t(end)) == 0, lseek(descriptor, 0, SEEK_END) >= 0 else {
                throw .unwritable(path, reason: String(cString: strerror(errno)))
            }
            done = Set(entries.map(\.filename))
            isEmpty = end == 0
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    private static func read(_ path: String) throws(PredictionFileError) -> [UInt8] {
        do {
            return try FileSnapshot.bytes(of: path, maxByteCount: maxByteCount)
        } catch {
            if case .unreadable(_, let reason) = error { throw .unwritable(path, reason: reason) }
            throw .unwritable(path, reason: error.description)
        }
    }

    deinit { close(descriptor) }

    /// Appends text.
    ///
    /// - Throws: ``PredictionFileError/unwritable(_:reason:)``
    func write(_ text: String) throws(PredictionFileError) {
        do {
            try OutputStream.write(text, to: descriptor)
        } catch {
            throw .unwritable(path, reason: error.reason)
        }
    }
}

/// Why the file of ``PredictionFile`` cannot be written or continued.
enum PredictionFileError: Error, Equatable, CustomStringConvertible {
    /// The file exists, and is not to be continued.
    case exists(String)
    /// Another process writes the file.
    case isInUse(String)
    /// The file cannot be opened or written.
    case unwritable(String, reason: String)
    /// The file's answers come from another version of the model.
    case otherVersion(String, found: String, expected: String)
    /// The first line names other columns.
    case otherColumns(found: [String], expected: [String])
    /// A line is not what this format has.
    case notContinuable(line: Int, format: PredictionFormat)

    var description: String {
        switch self {
        case .exists(let path): "\(path) exists; continue it with --resume, or write to another file."
        case .isInUse(let path): "\(path) is being written by another process."
        case .unwritable(let path, let reason): "\(path) cannot be written: \(reason)."
        case .otherVersion(let path, let found, let expected):
            "\(path) holds answers of version \(found) of a model, and this one is version \(expected); write to another file."
        case .otherColumns(let found, let expected):
            "The file has the columns \(found.joined(separator: ",").prefix(200)), and not "
                + "\(expected.joined(separator: ",")); continue it with the same --top."
        case .notContinuable(let line, let format):
            "Line \(line) of the file is not what --format \(format.rawValue) writes; write to another file."
        }
    }
}
