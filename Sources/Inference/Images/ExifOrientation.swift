/// The orientation entry of an EXIF block, which has the structure of a TIFF file.
///
/// Only the first image file directory (IFD) is read; every offset and count is checked against the block.
/// - Source: TIFF 6.0 §2, Exif 2.32 §4.6.4
enum ExifOrientation: Equatable {
    /// The orientation entry exists. Its value is nil if it is not a single integer.
    case value(Int?)

    /// There is no EXIF block, or it has no orientation.
    case absent

    /// The block has no valid TIFF header.
    case damaged

    private static let tag = 0x0112

    /// The size of one value of each TIFF type, starting with type 1. Type 16 is BigTIFF's 64-bit integer. Units:
    /// bytes.
    private static let unitSizes = [1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8]

    init(in block: ArraySlice<UInt8>) {
        let prefix = Array("Exif\0\0".utf8)
        var block = block
        for _ in 0..<2 where block.starts(with: prefix) { block = block.dropFirst(prefix.count) }
        if block.isEmpty {
            self = .absent
            return
        }
        guard let isLittleEndian = Self.byteOrder(block) else {
            self = .damaged
            return
        }
        var reader = ImageByteReader(block, isLittleEndian: isLittleEndian)
        reader.seek(to: 4)
        guard let directory = reader.integer(byteCount: 4) else {
            self = .damaged
            return
        }
        reader.seek(to: directory)
        self = Self.find(&reader, in: block)
    }

    /// Whether the block is little-endian; nil if it has no TIFF signature.
    private static func byteOrder(_ block: ArraySlice<UInt8>) -> Bool? {
        let head = block.prefix(4)
        // In the second form of each signature, the magic number has the wrong byte order; some cameras write that.
        if head.elementsEqual("II*\0".utf8) || head.elementsEqual("II\0*".utf8) { return true }
        if head.elementsEqual("MM\0*".utf8) || head.elementsEqual("MM*\0".utf8) { return false }
        return nil
    }

    private static func find(_ reader: inout ImageByteReader, in block: ArraySlice<UInt8>) -> ExifOrientation {
        var valuesByteCount = 0
        for _ in 0..<(reader.integer(byteCount: 2) ?? 0) {
            guard let tag = reader.integer(byteCount: 2), let type = reader.integer(byteCount: 2),
                let count = reader.integer(byteCount: 4), let value = reader.slice(byteCount: 4)
            else { break }
            guard (1...unitSizes.count).contains(type), unitSizes[type - 1] > 0, count > 0 else { continue }
            let size = count * unitSizes[type - 1]  // at most 2³² · 8
            var values = value
            if size > 4 {
                valuesByteCount += size
                if valuesByteCount > block.count { continue }
                var offset = ImageByteReader(value, isLittleEndian: reader.isLittleEndian)
                guard let start = offset.integer(byteCount: 4), start + size <= block.count else { break }
                values = block.dropFirst(start)
            }
            guard tag == Self.tag else { continue }
            return .value(integer(values, type: type, isLittleEndian: reader.isLittleEndian))
        }
        return .absent
    }

    /// The first 16-bit or 32-bit integer. The sign is ignored: negative values are not valid orientations anyway.
    private static func integer(_ value: ArraySlice<UInt8>, type: Int, isLittleEndian: Bool) -> Int? {
        var reader = ImageByteReader(value, isLittleEndian: isLittleEndian)
        return switch type {
        case 3, 8: reader.integer(byteCount: 2)
        case 4, 9, 13: reader.integer(byteCount: 4)
        default: nil
        }
    }
}
