import CZlib
import Files

/// The records of a zip archive in memory. All of them are checked for consistency before any is used.
///
/// Duplicate names, overlapping records, encryption and local headers that contradict the central directory are
/// refused. The bytes of stored (uncompressed) records are not copied.
struct ZipArchive {
    /// The records in the order of the central directory.
    let records: [ZipRecord]

    private let indices: [String: Int]
    /// Charged for inflated bytes, so that a small file cannot exhaust memory (a zip bomb).
    private let budget: ReadingBudget

    /// The highest compression ratio of deflate. A record that claims a higher one is invalid. Source: zlib's technical
    /// notes.
    private static let maxDeflateRatio = 1032

    /// Memory for a record's headers beside its name. Units: bytes.
    private static let recordByteCount = 384

    /// Reads the central directory and checks all records.
    ///
    /// - Parameter budget: charged for the directory and for inflated bytes; nil gives the default budget for the
    ///   file's length.
    /// - Throws: ``CheckpointError`` when the archive is incomplete or inconsistent.
    init(_ file: ByteRegion, budget: ReadingBudget? = nil) throws(CheckpointError) {
        let budget = budget ?? ReadingBudget(fileByteCount: file.count)
        self.budget = budget
        let directory = try ZipDirectory(of: file)
        guard let entries = file.part(from: directory.offset, count: directory.byteCount) else {
            throw .missingDirectory(byteCount: file.count)
        }
        var cursor = ByteCursor(entries, what: "the zip directory")
        var records: [ZipRecord] = []
        var indices: [String: Int] = [:]
        var spans: [(range: Range<Int>, name: String)] = []
        for _ in 0..<directory.recordCount {
            let header = try ZipRecordHeader(central: &cursor, at: directory.offset)
            try budget.charge(Self.recordByteCount + 2 * header.name.utf8.count, for: "the zip directory")
            guard indices.updateValue(records.count, forKey: header.name) == nil else {
                throw .duplicateRecord(record: header.name)
            }
            let record = try Self.record(header, in: file)
            spans.append((header.offset..<record.data.range.upperBound - file.range.lowerBound, header.name))
            records.append(record)
        }
        guard cursor.remainingByteCount == 0 else {
            throw .directoryMismatch(field: "size", found: directory.byteCount, expected: cursor.offset)
        }
        spans.append((directory.offset..<directory.offset, "the directory"))
        spans.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        for (span, next) in zip(spans, spans.dropFirst()) where span.range.upperBound > next.range.lowerBound {
            throw .overlappingRecords(record: span.name, next: next.name, offset: next.range.lowerBound)
        }
        if let last = spans.last, last.range.upperBound > directory.offset {
            throw .overlappingRecords(record: last.name, next: "the directory", offset: directory.offset)
        }
        self.records = records
        self.indices = indices
    }

    /// The record with this full name.
    subscript(name: String) -> ZipRecord? { indices[name].map { records[$0] } }

    /// The bytes of a record: a view if the record is stored, else the inflated bytes.
    ///
    /// The CRC-32 is always verified: at several GB/s it is cheap, and nothing else detects flipped bits in weights.
    /// - Throws: ``CheckpointError/checksumMismatch(record:found:expected:)`` if the checksum differs.
    mutating func bytes(of record: ZipRecord) throws(CheckpointError) -> ByteRegion {
        let bytes = record.method == .stored ? record.data : try inflate(record)
        guard record.checksum != 0 else { return bytes }
        let checksum = bytes.withUnsafeBytes { UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count)) }
        guard checksum == record.checksum else {
            throw .checksumMismatch(record: record.name, found: checksum, expected: record.checksum)
        }
        return bytes
    }

    private mutating func inflate(_ record: ZipRecord) throws(CheckpointError) -> ByteRegion {
        let ratioLimit = record.data.count.multipliedReportingOverflow(by: Self.maxDeflateRatio)
        guard ratioLimit.overflow || record.byteCount <= ratioLimit.partialValue else {
            throw .limitExceeded(
                what: "inflated bytes in one record", found: record.byteCount, limit: ratioLimit.partialValue)
        }
        try budget.charge(record.byteCount, for: "inflated record \(PickleObject.shortened(record.name))")
        // One byte more than declared, to detect a stream that is longer than declared.
        let output = AlignedBuffer(byteCount: record.byteCount + 1)
        let outcome = record.data.withUnsafeBytes { Inflater.inflate($0, .none, into: output.bytes) }
        guard outcome.produced <= record.byteCount else {
            throw .inflatedSizeMismatch(record: record.name, found: outcome.produced, expected: record.byteCount)
        }
        guard outcome.isEnded, outcome.consumed == record.data.count else {
            throw .invalidCompression(record: record.name, offset: outcome.consumed)
        }
        guard
            outcome.produced == record.byteCount,
            let bytes = ByteRegion(output).part(from: 0, count: record.byteCount)
        else { throw .inflatedSizeMismatch(record: record.name, found: outcome.produced, expected: record.byteCount) }
        return bytes
    }

    /// Finds a record's data after its local header. The header must agree with the central directory.
    private static func record(
        _ central: ZipRecordHeader, in file: ByteRegion
    ) throws(CheckpointError) -> ZipRecord {
        let name = central.name
        guard !central.isEncrypted else { throw .encryptedRecord(record: name) }
        var cursor = ByteCursor(file, what: "the archive")
        _ = try cursor.region(byteCount: central.offset)
        let local = try ZipRecordHeader(local: &cursor)

        guard local.name == name else {
            throw .nameMismatch(record: name, found: local.name)
        }
        var pairs = [
            ("flags", Int(local.flags), Int(central.flags)), ("method", Int(local.method), Int(central.method)),
        ]
        if !local.hasDataDescriptor {
            pairs.append(("CRC-32", Int(local.checksum), Int(central.checksum)))
            pairs.append(("compressed size", local.compressedByteCount, central.compressedByteCount))
            pairs.append(("size", local.byteCount, central.byteCount))
        }
        for (field, found, expected) in pairs where found != expected {
            throw .headerMismatch(record: name, field: field, found: found, expected: expected)
        }

        let method: ZipRecord.Method
        switch central.method {
        case 0: method = .stored
        case 8: method = .deflated
        default: throw .unsupportedCompression(record: name, method: Int(central.method))
        }
        guard method == .deflated || central.byteCount == central.compressedByteCount else {
            throw .headerMismatch(
                record: name, field: "compressed size", found: central.compressedByteCount,
                expected: central.byteCount)
        }
        let data = try cursor.region(byteCount: central.compressedByteCount)
        return ZipRecord(
            name: name, method: method, checksum: central.checksum, data: data, byteCount: central.byteCount)
    }
}

/// A record (file) of a zip archive, as described by the central directory.
struct ZipRecord: Sendable {
    /// The compression method.
    enum Method: Sendable { case stored, deflated }

    let name: String
    let method: Method
    /// CRC-32 of the inflated bytes; 0 where the writer omitted it, which is an option of `torch.save`.
    let checksum: UInt32
    /// The bytes in the archive, possibly compressed.
    let data: ByteRegion
    /// Size after inflating. Units: bytes.
    let byteCount: Int
}
