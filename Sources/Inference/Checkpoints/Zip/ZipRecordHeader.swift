import Files

/// A header of a zip record: the fields that the central directory and the local header have in common.
///
/// - Source: APPNOTE.TXT 6.3.10, §4.3.7, §4.3.12 and §4.5.3
struct ZipRecordHeader {
    let name: String
    let flags: UInt16
    let method: UInt16
    let checksum: UInt32
    let compressedByteCount: Int
    let byteCount: Int
    /// Offset of the local header; 0 if this is the local header. Units: bytes.
    let offset: Int

    private static let centralSignature: UInt32 = 0x0201_4B50
    private static let localSignature: UInt32 = 0x0403_4B50
    private static let unknown: UInt32 = 0xFFFF_FFFF

    /// Whether the record is encrypted, by the traditional or the strong method.
    var isEncrypted: Bool { flags & 0x2041 != 0 }

    /// Whether the sizes are in a data descriptor after the data and not in the local header.
    var hasDataDescriptor: Bool { flags & 8 != 0 }

    /// Reads an entry of the central directory and leaves the cursor at the next.
    init(central cursor: inout ByteCursor, at start: Int) throws(CheckpointError) {
        let position = start + cursor.offset
        try Self.check(try cursor.number(), against: Self.centralSignature, "the zip directory entry", at: position)
        _ = try cursor.region(byteCount: 4)  // versions
        try self.init(cursor: &cursor, position: position, isCentral: true)
    }

    /// Reads a local header and leaves the cursor at the record's data.
    init(local cursor: inout ByteCursor) throws(CheckpointError) {
        let position = cursor.offset
        try Self.check(try cursor.number(), against: Self.localSignature, "the zip record", at: position)
        _ = try cursor.region(byteCount: 2)  // version
        try self.init(cursor: &cursor, position: position, isCentral: false)
    }

    private init(cursor: inout ByteCursor, position: Int, isCentral: Bool) throws(CheckpointError) {
        flags = try cursor.number()
        method = try cursor.number()
        _ = try cursor.region(byteCount: 4)  // time and date
        checksum = try cursor.number()
        let compressed = try cursor.number(UInt32.self)
        let inflated = try cursor.number(UInt32.self)
        let nameByteCount = Int(try cursor.number(UInt16.self))
        let extraByteCount = Int(try cursor.number(UInt16.self))
        var commentByteCount = 0
        var headerOffset: UInt32 = 0
        if isCentral {
            commentByteCount = Int(try cursor.number(UInt16.self))
            let disk = try cursor.number(UInt16.self)
            guard disk == 0 else { throw .unsupportedArchive(offset: position, feature: "several disks") }
            _ = try cursor.region(byteCount: 6)  // attributes
            headerOffset = try cursor.number()
        }
        guard let name = try cursor.region(byteCount: nameByteCount).text else {
            throw .invalidRecordName(offset: position)
        }
        self.name = name
        let extra = try cursor.region(byteCount: extraByteCount)
        _ = try cursor.region(byteCount: commentByteCount)

        // The zip64 extra field holds, in this order, the numbers that do not fit their 32-bit fields.
        var large = try Self.zip64Field(
            of: extra, isNeeded: [compressed, inflated, headerOffset].contains(Self.unknown))
        byteCount = try Self.number(inflated, orIn: &large)
        compressedByteCount = try Self.number(compressed, orIn: &large)
        offset = try Self.number(headerOffset, orIn: &large)
    }

    private static func check(
        _ found: UInt32, against expected: UInt32, _ what: String, at offset: Int
    ) throws(CheckpointError) {
        guard found == expected else {
            throw .wrongSignature(what: what, offset: offset, found: found, expected: expected)
        }
    }

    private static func number(_ small: UInt32, orIn field: inout ByteCursor?) throws(CheckpointError) -> Int {
        guard small == unknown, field != nil else { return Int(small) }
        return Int(clamping: try field?.number(UInt64.self) ?? 0)
    }

    private static func zip64Field(of extra: ByteRegion, isNeeded: Bool) throws(CheckpointError) -> ByteCursor? {
        guard isNeeded else { return nil }
        var fields = ByteCursor(extra, what: "a zip extra field")
        while fields.remainingByteCount >= 4 {
            let id = try fields.number(UInt16.self)
            let field = try fields.region(byteCount: Int(try fields.number(UInt16.self)))
            if id == 1 { return ByteCursor(field, what: "a zip64 field") }
        }
        return nil
    }
}
