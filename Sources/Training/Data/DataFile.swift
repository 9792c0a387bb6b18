import Files
import Inference

/// A whole file of pictures or labels, plain or inflated.
///
/// The size is known before memory is taken for it: the file's own, or for gzip what the header inside it declares.
struct DataFile: Sendable {
    /// Its name, for messages.
    let name: String
    /// The bytes of the file as it lies on the disk: what a digest is of.
    let stored: AlignedBuffer
    /// Is it a gzip file? Told from its first bytes.
    let isCompressed: Bool

    /// Limits: the most bytes that a file has, and that it inflates to.
    static let maxByteCount = 1 << 30

    /// - Throws: ``DatasetError`` where it cannot be read.
    init(path: String) throws(DatasetError) {
        name = path
        do throws(FileError) {
            stored = try FileSnapshot.contents(of: path, maxByteCount: Self.maxByteCount)
        } catch {
            throw DatasetError(error, path: path)
        }
        isCompressed = stored.bytes.starts(with: [0x1F, 0x8B])
    }

    /// The first bytes of the content, or fewer where there are not as many.
    func prefix(_ byteCount: Int) -> [UInt8] {
        guard isCompressed else { return withExtendedLifetime(stored) { Array(stored.bytes.prefix(byteCount)) } }
        let output = AlignedBuffer(byteCount: byteCount)
        let outcome = Inflater.inflate(UnsafeRawBufferPointer(stored.bytes), .gzip, into: output.bytes)
        return withExtendedLifetime(output) { Array(output.bytes.prefix(outcome.produced)) }
    }

    /// The content.
    ///
    /// - Parameter byteCount: how much there has to be, at most ``maxByteCount``.
    /// - Throws: ``DatasetError`` where there is less or more, or the compression is corrupt.
    func content(byteCount: Int) throws(DatasetError) -> AlignedBuffer {
        guard isCompressed else {
            try check(found: stored.bytes.count, expected: byteCount)
            return stored
        }
        // Deflate makes at most 1032 bytes of one, so that a small file cannot ask for much memory.
        guard byteCount <= stored.bytes.count * 1032 else {
            throw .cannotInflate(file: name, byteCount: stored.bytes.count, expected: byteCount)
        }
        // One byte more than declared tells a stream that goes on from one that ends where it should.
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
    /// What a file that could not be read says here.
    init(_ error: FileError, path: String) {
        switch error {
        case .tooLarge(_, let byteCount, let limit): self = .tooLarge(file: path, byteCount: byteCount, limit: limit)
        case .unreadable(_, let reason): self = .unreadable(path: path, reason: reason)
        case .notAFile: self = .unreadable(path: path, reason: "it is not a regular file")
        default: self = .unreadable(path: path, reason: "it changed meanwhile")
        }
    }
}
