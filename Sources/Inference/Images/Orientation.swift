import CKernels

/// The EXIF orientation, named for the operation that turns the stored image upright.
///
/// - Source: Exif 2.32 §4.6.4, tag 0x0112
enum Orientation: Int, CaseIterable, Sendable {
    case upright = 1
    case flipHorizontal, rotate180, flipVertical, transpose, rotateClockwise, transverse, rotateCounterclockwise

    /// Whether width and height are swapped.
    var swapsSides: Bool { rawValue >= 5 }

    /// Turns an image upright.
    func applied(to image: PixelImage) -> PixelImage {
        if self == .upright || image.channelCount != 3 { return image }
        let (width, height) = (image.width, image.height)
        let outputWidth = swapsSides ? height : width
        let outputHeight = swapsSides ? width : height
        let bottomRow = (height - 1) * width
        // The input index of output pixel (0, 0), and the input steps for one output step right and down.
        let (origin, stepX, stepY) =
            switch self {
            case .upright: (0, 1, width)
            case .flipHorizontal: (width - 1, -1, width)
            case .rotate180: (bottomRow + width - 1, -1, -width)
            case .flipVertical: (bottomRow, 1, -width)
            case .transpose: (0, width, 1)
            case .rotateClockwise: (bottomRow, -width, 1)
            case .transverse: (bottomRow + width - 1, -width, -1)
            case .rotateCounterclockwise: (width - 1, width, -1)
            }
        let pixels = image.pixels.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: image.pixels.count) { output, count in
                resize_reorder(
                    input.baseAddress, origin, stepX, stepY, output.baseAddress, outputWidth, outputHeight)
                count = image.pixels.count
            }
        }
        return PixelImage(width: outputWidth, height: outputHeight, channelCount: 3, pixels: pixels)
    }
}

extension Orientation {
    /// Reads a file's orientation from its EXIF block or, where that has none, from its XMP packet, as Pillow does.
    ///
    /// Damaged metadata are ignored: the image counts as upright.
    init(in bytes: ArraySlice<UInt8>, format: ImageFormat) {
        let metadata =
            switch format {
            case .jpeg: ImageMetadata(jpeg: bytes)
            case .png: ImageMetadata(png: bytes)
            case .webp: ImageMetadata(webp: bytes)
            }
        let found: Orientation? =
            switch ExifOrientation(in: metadata.exif) {
            case .value(let value): value.flatMap(Orientation.init(rawValue:))
            case .absent: Self.find(inXMP: metadata.xmp)
            case .damaged: nil
            }
        self = found ?? .upright
    }

    /// The digit after the first `tiff:Orientation="` or `tiff:Orientation>`.
    ///
    /// - Source: XMP Specification Part 2, §8.3
    static func find(inXMP packet: ArraySlice<UInt8>) -> Orientation? {
        let name = Array("tiff:Orientation".utf8)
        var rest = packet
        while let first = rest.firstIndex(of: name[0]) {
            rest = rest[first...]
            if rest.starts(with: name) {
                var value = rest.dropFirst(name.count)
                if value.starts(with: Array("=\"".utf8)) {
                    value = value.dropFirst(2)
                } else if value.first == UInt8(ascii: ">") {
                    value = value.dropFirst()
                } else {
                    value = []
                }
                if let digit = value.first, (0x30...0x39).contains(digit) {
                    return Orientation(rawValue: Int(digit) - 0x30)
                }
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}

/// The orientation entry of an EXIF block, which has the structure of a TIFF file.
///
/// Only the first image file directory (IFD) is read; every offset and count is checked against the block.
/// - Source: TIFF 6.0 §2, Exif 2.32 §4.6.4
enum ExifOrientation: Equatable {
    /// The entry exists; its value is nil where it is not one integer.
    case value(Int?)

    /// There is no EXIF block, or it has no orientation.
    case absent

    /// The block has no valid TIFF header.
    case damaged

    private static let tag = 0x0112

    /// Size of one value of each TIFF type, from type 1 on. Type 16 is BigTIFF's 64-bit integer. Units: bytes.
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

    /// True for little-endian, false for big-endian, nil where the block has no TIFF signature.
    private static func byteOrder(_ block: ArraySlice<UInt8>) -> Bool? {
        let head = block.prefix(4)
        // In the second form of each the magic number is in the wrong byte order; some cameras write that.
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
