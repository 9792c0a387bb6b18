import CZlib
import Files

/// The records of a zip archive that lies in memory, checked against each other before any is used.
///
/// Duplicate names, overlapping records, encryption and headers that contradict the directory are refused; stored
/// records are lent in place.
struct ZipArchive {
    /// In the directory's order.
    let records: [ZipRecord]

    private let indices: [String: Int]
    /// Pays for what is inflated, so that a small file cannot ask for all the memory.
    private let budget: ReadingBudget

    /// Deflate cannot do better than this, so a greater ratio is a lie. Source: zlib's technical notes.
    private static let maxDeflateRatio = 1032

    /// What is kept of a record's two headers beside its name. Units: bytes.
    private static let recordByteCount = 384

    /// - Parameter budget: pays for the directory and for what is inflated; nil bounds both by the file's length.
    /// - Throws: ``CheckpointError`` when the archive is not whole and consistent.
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

    /// A record by its whole name.
    subscript(name: String) -> ZipRecord? { indices[name].map { records[$0] } }

    /// The bytes of a record: in place where it is stored, inflated where it is deflated.
    ///
    /// All of them are summed and compared with the directory's CRC-32: at several gigabytes a second this costs little
    /// beside the reading, and nothing else notices a file with some wrong bytes.
    /// - Throws: ``CheckpointError/checksumMismatch(record:found:expected:)`` when they are not the bytes written.
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
        return try Inflater.inflate(record)
    }

    /// Finds a record's data behind its own header, which must agree with the directory.
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
        if !local.hasTrailingSizes {
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

extension Inflater {
    /// Inflates a zip archive's record to exactly the declared size.
    ///
    /// - Throws: ``CheckpointError`` when the stream is corrupt, or inflates to more or less than declared.
    fileprivate static func inflate(_ record: ZipRecord) throws(CheckpointError) -> ByteRegion {
        // One byte more than declared tells a stream that goes on from one that ends where it should.
        let output = AlignedBuffer(byteCount: record.byteCount + 1)
        let outcome = record.data.withUnsafeBytes { inflate($0, .none, into: output.bytes) }
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
}
