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
        // The input index of output pixel (0, 0), and the input steps for one step right and one step down in the
        // output.
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
    /// Reads a file's orientation from its EXIF block, or from its XMP packet if EXIF has none, as Pillow does.
    ///
    /// Damaged metadata is ignored: the image counts as upright.
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
