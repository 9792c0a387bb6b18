import CZlib
import Files

/// Writes a zip archive of stored (uncompressed) records whose data are aligned to 64 bytes, as by `torch.save`.
///
/// The date is constant, so that equal contents give equal files. Numbers that do not fit their fields are stored in
/// zip64 fields.
///
/// - Source: APPNOTE.TXT 6.3.10, §4.3.7 to §4.3.16 and §4.5.3; the padding: PyTorch's
///   `caffe2/serialize/inline_container.cc`
struct ZipWriter {
    /// A written record, for the central directory.
    private struct Entry {
        let name: [UInt8]
        let checksum: UInt32
        let byteCount: Int
        let offset: Int
    }

    private let file: AtomicFile
    /// Sizes and offsets from this number on are stored in zip64 fields. Units: bytes.
    private let sizeLimit: Int
    /// Record counts from this number on are stored in the zip64 end record.
    private let countLimit: Int
    private var entries: [Entry] = []

    /// The alignment of records' data: the width of a 512-bit vector. Units: bytes.
    private static let alignment = 64
    /// The marker in a 32-bit field whose number is stored in a zip64 field.
    private static let unknown: UInt32 = 0xFFFF_FFFF
    /// The flag bit for UTF-8 names.
    private static let flags: UInt16 = 0x0800
    /// The version needed to extract, 4.5, which introduced zip64.
    private static let version: UInt16 = 45
    /// 1 January 1980, the earliest date of the format.
    private static let date: UInt32 = 0x0021_0000

    /// Starts an archive.
    ///
    /// - Parameters:
    ///   - sizeLimit: the format's limit; tests use a lower one to get zip64 fields in a small file.
    ///   - countLimit: likewise.
    init(_ file: AtomicFile, sizeLimit: Int = 0xFFFF_FFFF, countLimit: Int = 0xFFFF) {
        self.file = file
        self.sizeLimit = sizeLimit
        self.countLimit = countLimit
    }

    /// Adds a record with the given bytes.
    mutating func add(_ name: String, _ bytes: [UInt8]) throws(CheckpointWriteError) {
        try add(name, byteCount: bytes.count) { put throws(CheckpointWriteError) in
            try bytes.withRawBytes { bytes throws(CheckpointWriteError) in try put(bytes) }
        }
    }

    /// Adds a record of a known size.
    ///
    /// - Parameter body: passes exactly `byteCount` bytes, in pieces.
    mutating func add(
        _ name: String, byteCount: Int,
        _ body: ((UnsafeRawBufferPointer) throws(CheckpointWriteError) -> Void) throws(CheckpointWriteError) -> Void
    ) throws(CheckpointWriteError) {
        let offset = file.byteCount
        let name = Array(name.utf8)
        try file.add(localHeader(name: name, byteCount: byteCount, at: offset))
        var checksum: UInt = 0
        let file = file
        try body { bytes throws(CheckpointWriteError) in
            checksum = crc32_z(checksum, bytes.baseAddress, bytes.count)
            try file.add(bytes)
        }
        // The checksum's field precedes the data. It is filled in afterwards, so that one pass over the data is enough.
        let entry = Entry(
            name: name, checksum: UInt32(truncatingIfNeeded: checksum), byteCount: byteCount, offset: offset)
        var field = LittleEndianBytes()
        field.append(entry.checksum)
        do {
            try file.overwrite(field.bytes, at: offset + 14)
        } catch {
            throw .file(error)
        }
        entries.append(entry)
    }

    /// Writes the central directory and its end records.
    mutating func finish() throws(CheckpointWriteError) {
        let offset = file.byteCount
        for entry in entries { try file.add(centralHeader(entry)) }
        let byteCount = file.byteCount - offset
        var end = LittleEndianBytes()
        let isLarge = entries.count >= countLimit || byteCount >= sizeLimit || offset >= sizeLimit
        if isLarge {
            let end64 = file.byteCount
            end.append(UInt32(0x0606_4B50), UInt64(44), Self.version, Self.version, UInt32(0), UInt32(0))
            end.append(UInt64(entries.count), UInt64(entries.count), UInt64(byteCount), UInt64(offset))
            end.append(UInt32(0x0706_4B50), UInt32(0), UInt64(end64), UInt32(1))
        }
        let count = isLarge ? 0xFFFF : UInt16(entries.count)
        end.append(UInt32(0x0605_4B50), UInt16(0), UInt16(0), count, count)
        end.append(isLarge ? Self.unknown : UInt32(byteCount), isLarge ? Self.unknown : UInt32(offset), UInt16(0))
        try file.add(end.bytes)
    }

    private func localHeader(name: [UInt8], byteCount: Int, at offset: Int) -> [UInt8] {
        let isLarge = byteCount >= sizeLimit
        var extra = LittleEndianBytes()
        if isLarge { extra.append(UInt16(1), UInt16(16), UInt64(byteCount), UInt64(byteCount)) }
        // An extra field with the id FB holds padding that aligns the data, as in PyTorch.
        let unpadded = offset + 30 + name.count + extra.bytes.count + 4
        let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
        extra.append(UInt16(0x4246), UInt16(padding))
        let size = isLarge ? Self.unknown : UInt32(byteCount)
        var header = LittleEndianBytes()
        header.append(UInt32(0x0403_4B50), isLarge ? Self.version : 20, Self.flags, UInt16(0), Self.date)
        header.append(UInt32(0), size, size, UInt16(name.count), UInt16(extra.bytes.count + padding))
        return header.bytes + name + extra.bytes + [UInt8](repeating: UInt8(ascii: "Z"), count: padding)
    }

    private func centralHeader(_ entry: Entry) -> [UInt8] {
        var extra = LittleEndianBytes()
        let isLarge = entry.byteCount >= sizeLimit
        let isFar = entry.offset >= sizeLimit
        if isLarge || isFar {
            extra.append(UInt16(1), UInt16((isLarge ? 16 : 0) + (isFar ? 8 : 0)))
            if isLarge { extra.append(UInt64(entry.byteCount), UInt64(entry.byteCount)) }
            if isFar { extra.append(UInt64(entry.offset)) }
        }
        let size = isLarge ? Self.unknown : UInt32(entry.byteCount)
        let version: UInt16 = isLarge || isFar ? Self.version : 20
        var header = LittleEndianBytes()
        header.append(UInt32(0x0201_4B50), version, version, Self.flags, UInt16(0), Self.date, entry.checksum)
        header.append(size, size, UInt16(entry.name.count), UInt16(extra.bytes.count), UInt16(0), UInt16(0))
        header.append(UInt16(0), UInt32(0), isFar ? Self.unknown : UInt32(entry.offset))
        return header.bytes + entry.name + extra.bytes
    }
}
