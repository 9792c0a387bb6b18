import Files
import Inference

/// A whole file of images or labels, plain or compressed with gzip.
///
/// Memory is only allocated for a known size: the file's own, or the size that the header inside it declares.
struct DataFile: Sendable {
    /// The file's path, for error messages.
    let name: String
    /// The bytes as stored, which the digest covers.
    let stored: AlignedBuffer
    /// Whether the file begins with gzip's magic number.
    let isCompressed: Bool

    /// The largest file, and the largest inflated content. Units: bytes.
    static let maxByteCount = 1 << 30

    /// - Throws: ``DatasetError`` if the file cannot be read.
    init(path: String) throws(DatasetError) {
        name = path
        do throws(FileError) {
            stored = try FileSnapshot.contents(of: path, maxByteCount: Self.maxByteCount)
        } catch {
            throw DatasetError(error, path: path)
        }
        isCompressed = stored.bytes.starts(with: [0x1F, 0x8B])
    }

    /// The first bytes of the inflated content; fewer if the content is shorter.
    func prefix(_ byteCount: Int) -> [UInt8] {
        guard isCompressed else { return withExtendedLifetime(stored) { Array(stored.bytes.prefix(byteCount)) } }
        let output = AlignedBuffer(byteCount: byteCount)
        let outcome = Inflater.inflate(UnsafeRawBufferPointer(stored.bytes), .gzip, into: output.bytes)
        return withExtendedLifetime(output) { Array(output.bytes.prefix(outcome.produced)) }
    }

    /// The inflated content.
    ///
    /// - Parameter byteCount: the exact length that is expected, at most ``maxByteCount``. Units: bytes.
    /// - Throws: ``DatasetError`` if the content is shorter or longer, or if the compressed data is corrupt.
    func content(byteCount: Int) throws(DatasetError) -> AlignedBuffer {
        guard isCompressed else {
            try check(found: stored.bytes.count, expected: byteCount)
            return stored
        }
        // Deflate expands data by at most 1032 times, so a small file cannot ask for much memory.
        guard byteCount <= stored.bytes.count * 1032 else {
            throw .cannotInflate(file: name, byteCount: stored.bytes.count, expected: byteCount)
        }
        // One byte more than declared, to detect a stream that is too long.
        let output = AlignedBuffer(byteCount: byteCount + 1)
        let outcome = Inflater.inflate(UnsafeRawBufferPointer(stored.bytes), .gzip, into: output.bytes)
        guard outcome.isEnded || outcome.produced > byteCount || outcome.consumed == stored.bytes.count else {
            throw .corruptCompression(file: name)
        }
        try check(found: outcome.produced, expected: byteCount)
        guard outcome.isEnded, outcome.consumed == stored.bytes.count else { throw .corruptCompression(file: name) }
        return output
    }

    /// The text of a small file.
    func text() throws(DatasetError) -> String {
        guard let text = withExtendedLifetime(stored, { String(validating: stored.bytes, as: UTF8.self) }) else {
            throw .notText(file: name)
        }
        return text
    }

    private func check(found: Int, expected: Int) throws(DatasetError) {
        if found < expected { throw .truncated(file: name, found: found, expected: expected) }
        if found > expected { throw .trailingBytes(file: name, byteCount: found - expected) }
    }
}

extension DatasetError {
    /// The data set error for a file that could not be read.
    init(_ error: FileError, path: String) {
        switch error {
        case .tooLarge(_, let byteCount, let limit): self = .tooLarge(file: path, byteCount: byteCount, limit: limit)
        case .unreadable(_, let reason): self = .unreadable(path: path, reason: reason)
        case .notAFile: self = .unreadable(path: path, reason: "it is not a regular file")
        default: self = .unreadable(path: path, reason: "it changed meanwhile")
        }
    }
}
