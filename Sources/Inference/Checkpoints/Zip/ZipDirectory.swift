import Files

/// The position of a zip archive's central directory, read from the end of central directory record.
///
/// - Source: APPNOTE.TXT 6.3.10, §4.3.14 to §4.3.16
struct ZipDirectory {
    let recordCount: Int
    /// Start of the central directory. Units: bytes.
    let offset: Int
    let byteCount: Int

    /// The most records, far above any checkpoint. It limits the work that a hostile archive can cause.
    static let maxRecordCount = 1 << 18

    private static let endByteCount = 22
    private static let locatorByteCount = 20
    private static let end64ByteCount = 56
    private static let maxCommentByteCount = 0xFFFF

    /// Finds the central directory and checks that its end record follows it directly.
    ///
    /// - Throws: ``CheckpointError/missingDirectory(byteCount:)`` when no end record ends exactly at the end of the
    ///   file.
    init(of file: ByteRegion) throws(CheckpointError) {
        guard let endOffset = Self.findEnd(in: file) else { throw .missingDirectory(byteCount: file.count) }
        var end = try Self.cursor(in: file, at: endOffset + 4)
        let disk = try end.number(UInt16.self)
        let directoryDisk = try end.number(UInt16.self)
        let diskRecordCount = try end.number(UInt16.self)
        let recordCount = try end.number(UInt16.self)
        let byteCount = try end.number(UInt32.self)
        let offset = try end.number(UInt32.self)

        var fields = (count: UInt64(recordCount), byteCount: UInt64(byteCount), offset: UInt64(offset))
        var directoryEnd = endOffset
        if let end64Offset = try Self.findEnd64(in: file, before: endOffset) {
            let large = try Self.readEnd64(in: file, at: end64Offset)
            try Self.check("record count", fields.count, against: large.count, unknown: 0xFFFF)
            try Self.check("size", fields.byteCount, against: large.byteCount, unknown: 0xFFFF_FFFF)
            try Self.check("offset", fields.offset, against: large.offset, unknown: 0xFFFF_FFFF)
            fields = large
            directoryEnd = end64Offset
        } else if disk != 0 || directoryDisk != 0 || diskRecordCount != recordCount {
            throw .unsupportedArchive(offset: endOffset, feature: "several disks")
        }

        self.recordCount = Int(clamping: fields.count)
        self.byteCount = Int(clamping: fields.byteCount)
        self.offset = Int(clamping: fields.offset)
        guard self.recordCount <= Self.maxRecordCount else {
            throw .limitExceeded(what: "zip records", found: self.recordCount, limit: Self.maxRecordCount)
        }
        let (sum, overflow) = self.offset.addingReportingOverflow(self.byteCount)
        guard !overflow, sum == directoryEnd else {
            throw .directoryMismatch(field: "end", found: overflow ? Int.max : sum, expected: directoryEnd)
        }
    }

    /// The last end of central directory record whose comment ends exactly at the end of the file.
    private static func findEnd(in file: ByteRegion) -> Int? {
        let last = file.count - endByteCount
        guard last >= 0 else { return nil }
        return file.withUnsafeBytes { bytes in
            for offset in stride(from: last, through: max(0, last - maxCommentByteCount), by: -1)
            where bytes[offset] == 0x50 && bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) == Self.end {
                let commentByteCount = bytes.loadUnaligned(fromByteOffset: offset + 20, as: UInt16.self)
                if offset + endByteCount + Int(UInt16(littleEndian: commentByteCount)) == bytes.count { return offset }
            }
            return nil
        }
    }

    private static let end = UInt32(0x0605_4B50).littleEndian

    /// The offset of the zip64 end record, if its locator precedes the end record.
    private static func findEnd64(in file: ByteRegion, before endOffset: Int) throws(CheckpointError) -> Int? {
        guard endOffset >= locatorByteCount else { return nil }
        var locator = try cursor(in: file, at: endOffset - locatorByteCount)
        guard try locator.number(UInt32.self) == 0x0706_4B50 else { return nil }
        let disk = try locator.number(UInt32.self)
        let offset = Int(clamping: try locator.number(UInt64.self))
        let diskCount = try locator.number(UInt32.self)
        guard disk == 0, diskCount <= 1 else {
            throw .unsupportedArchive(offset: endOffset - locatorByteCount, feature: "several disks")
        }
        let expected = endOffset - locatorByteCount - end64ByteCount
        guard offset == expected else {
            throw .directoryMismatch(field: "zip64 end record offset", found: offset, expected: expected)
        }
        return offset
    }

    private static func readEnd64(
        in file: ByteRegion, at offset: Int
    ) throws(CheckpointError) -> (count: UInt64, byteCount: UInt64, offset: UInt64) {
        var cursor = try cursor(in: file, at: offset)
        let signature = try cursor.number(UInt32.self)
        guard signature == 0x0606_4B50 else {
            throw .wrongSignature(
                what: "the zip64 end record", offset: offset, found: signature, expected: 0x0606_4B50)
        }
        let byteCount = try cursor.number(UInt64.self)
        guard byteCount == UInt64(end64ByteCount - 12) else {
            throw .directoryMismatch(
                field: "zip64 end record size", found: Int(clamping: byteCount), expected: end64ByteCount - 12)
        }
        _ = try cursor.region(byteCount: 4)  // versions
        let disk = try cursor.number(UInt32.self)
        let directoryDisk = try cursor.number(UInt32.self)
        let diskRecordCount = try cursor.number(UInt64.self)
        let recordCount = try cursor.number(UInt64.self)
        guard disk == 0, directoryDisk == 0, diskRecordCount == recordCount else {
            throw .unsupportedArchive(offset: offset, feature: "several disks")
        }
        let size = try cursor.number(UInt64.self)
        return (recordCount, size, try cursor.number(UInt64.self))
    }

    /// A field of the end record must equal the zip64 one or hold the marker value that refers to it.
    private static func check(
        _ field: String, _ small: UInt64, against large: UInt64, unknown: UInt64
    ) throws(CheckpointError) {
        guard small == large || small == unknown else {
            throw .directoryMismatch(field: field, found: Int(clamping: small), expected: Int(clamping: large))
        }
    }

    private static func cursor(in file: ByteRegion, at offset: Int) throws(CheckpointError) -> ByteCursor {
        var cursor = ByteCursor(file, what: "the archive")
        _ = try cursor.region(byteCount: offset)
        return cursor
    }
}
