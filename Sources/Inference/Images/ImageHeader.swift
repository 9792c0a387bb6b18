/// An image's size and decoding cost, read from the file's header without a codec.
///
/// The server uses it to admit and schedule images before it spends memory or time on them. The header is untrusted:
/// the decoder compares it with the size that the codec finds
/// (``ImageDecoder/input(_:for:announced:timing:shouldStop:)``).
public struct ImageHeader: Sendable, Equatable {
    /// Width as stored, before the EXIF orientation. Units: pixels.
    public let width: Int

    /// Height as stored, before the EXIF orientation. Units: pixels.
    public let height: Int

    /// The codec's working memory, besides a few rows; 0 if it decodes row by row. Units: bytes.
    public let workingByteCount: Int

    /// Whether decoding can be cancelled midway. Small WebP files are decoded in one uninterruptible call.
    public let isDivisible: Bool

    /// An estimated upper bound of the decoding time, for comparing files. Units: nanoseconds.
    public let estimatedNanoseconds: Int

    /// Width times height; `Int.max` on overflow. Units: pixels.
    public let pixelCount: Int

    /// The time to decode one pixel of a large photo and to run the horizontal pass over it. Units: nanoseconds.
    private static let timePerPixel = 10

    /// The most segments or chunks before the header. Camera files have fewer than a hundred, or a few hundred with
    /// large profiles and thumbnails.
    private static let maxSegmentCount = 4096

    /// The most bytes between a JPEG's segments that belong to no segment. Units: bytes.
    private static let maxGarbageByteCount = 64 << 10

    /// Reads the header of a JPEG, PNG or WebP file; nil if there is none within the limits above.
    public init?(_ bytes: ArraySlice<UInt8>) {
        guard let format = try? ImageFormat(signatureOf: bytes) else { return nil }
        let header: ImageHeader? = bytes.withUnsafeBytes { bytes in
            switch format {
            case .jpeg: Self.jpeg(bytes)
            case .png: Self.png(bytes)
            case .webp: Self.webp(bytes)
            }
        }
        guard let header, header.width > 0, header.height > 0 else { return nil }
        self = header
    }

    /// The size of an image as it is shown; nil if its header cannot be read.
    ///
    /// - Parameter appliesOrientation: whether the EXIF orientation turns the image. Units: pixels.
    public static func shownSize(
        of bytes: ArraySlice<UInt8>, appliesOrientation: Bool
    ) -> (width: Int, height: Int)? {
        guard let header = ImageHeader(bytes), let format = try? ImageFormat(signatureOf: bytes) else { return nil }
        let swaps = appliesOrientation && Orientation(in: bytes, format: format).swapsSides
        return swaps ? (header.height, header.width) : (header.width, header.height)
    }

    private init(width: Int, height: Int, workingByteCount: Int = 0, isDivisible: Bool = true, passCount: Int = 1) {
        self.width = width
        self.height = height
        self.workingByteCount = workingByteCount
        self.isDivisible = isDivisible
        let (product, overflow) = width.multipliedReportingOverflow(by: height)
        pixelCount = overflow ? .max : product
        estimatedNanoseconds = min(pixelCount, 1 << 40) * Self.timePerPixel * passCount
    }

    // MARK: JPEG

    /// The sampling factors of a colour component. 4:2:0 subsampling has 2×2 for luma and 1×1 for chroma.
    private struct Component {
        let horizontalSampling: Int
        let verticalSampling: Int
    }

    /// - Source: ITU-T T.81 §B.1.1, §B.2.2, §B.2.3
    private static func jpeg(_ bytes: UnsafeRawBufferPointer) -> ImageHeader? {
        var offset = 2
        var frame: (width: Int, height: Int, isProgressive: Bool, components: [Component])?
        var garbageCount = 0
        for _ in 0..<maxSegmentCount {
            // The next marker: one or more 0xFF, then a byte that is neither 0xFF nor 0.
            while true {
                guard offset + 1 < bytes.count, garbageCount <= maxGarbageByteCount else { return nil }
                if bytes[offset] == 0xFF, bytes[offset + 1] != 0xFF, bytes[offset + 1] != 0 { break }
                offset += 1
                garbageCount += 1
            }
            let marker = bytes[offset + 1]
            offset += 2
            if marker == 0x01 || 0xD0...0xD8 ~= marker { continue }
            guard marker != 0xD9, offset + 2 <= bytes.count else { return nil }
            let length = big(bytes, offset, 2)
            guard length >= 2, offset + length <= bytes.count else { return nil }
            let segment = UnsafeRawBufferPointer(rebasing: bytes[offset + 2..<offset + length])
            switch marker {
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                guard frame == nil, segment.count >= 6, segment.count >= 6 + 3 * Int(segment[5]) else { return nil }
                let components = (0..<Int(segment[5])).map { index in
                    let sampling = segment[6 + 3 * index + 1]
                    return Component(
                        horizontalSampling: Int(sampling >> 4), verticalSampling: Int(sampling & 15))
                }
                let isProgressive = marker & 3 == 2
                frame = (big(segment, 3, 2), big(segment, 1, 2), isProgressive, components)
            case 0xDA:
                guard let frame, let scanComponentCount = segment.first else { return nil }
                // Progressive, or baseline with components in separate scans.
                let hasManyScans = frame.isProgressive || Int(scanComponentCount) < frame.components.count
                return ImageHeader(
                    width: frame.width, height: frame.height,
                    workingByteCount: hasManyScans
                        ? coefficientByteCount(frame.width, frame.height, frame.components) : 0,
                    passCount: hasManyScans ? 3 : 1)
            default: break
            }
            offset += length
        }
        return nil
    }

    /// The memory for the DCT coefficients of a file with several scans: two bytes each, held until the last scan.
    /// Units: bytes.
    private static func coefficientByteCount(_ width: Int, _ height: Int, _ components: [Component]) -> Int {
        let horizontal = max(1, components.map(\.horizontalSampling).max() ?? 1)
        let vertical = max(1, components.map(\.verticalSampling).max() ?? 1)
        return components.reduce(0) { sum, component in
            let across = component.horizontalSampling
            let down = component.verticalSampling
            let blockColumns = (width * across + 8 * horizontal - 1) / (8 * horizontal) + across
            let blockRows = (height * down + 8 * vertical - 1) / (8 * vertical) + down
            return sum + blockColumns * blockRows * 128
        }
    }

    // MARK: PNG

    /// - Source: PNG (Third Edition) §5.3, §11.2.1
    private static func png(_ bytes: UnsafeRawBufferPointer) -> ImageHeader? {
        var offset = 8
        for _ in 0..<maxSegmentCount {
            guard offset + 8 <= bytes.count else { return nil }
            let length = big(bytes, offset, 4)
            guard big(bytes, offset + 4, 4) == 0x4948_4452 else {
                offset += length + 12
                continue
            }
            guard length >= 13, offset + 8 + 13 <= bytes.count else { return nil }
            let (width, height) = (big(bytes, offset + 8, 4), big(bytes, offset + 12, 4))
            // Larger images are refused because of their sides. The products below therefore cannot overflow.
            guard width <= ImageDecoder.maxSide, height <= ImageDecoder.maxSide else {
                return ImageHeader(width: width, height: height)
            }
            let (depth, colour, isInterlaced) = (bytes[offset + 16], bytes[offset + 17], bytes[offset + 20] != 0)
            let bytesPerPixel = colour == 3 ? 1 : colour == 0 && depth == 16 ? 2 : 3
            return ImageHeader(
                width: width, height: height, workingByteCount: isInterlaced ? width * height * bytesPerPixel : 0,
                passCount: isInterlaced ? 2 : 1)
        }
        return nil
    }

    // MARK: WebP

    /// - Source: RFC 9649 §2.5 to §2.7, §3.4; RFC 6386 §9.1
    private static func webp(_ bytes: UnsafeRawBufferPointer) -> ImageHeader? {
        guard bytes.count >= 30 else { return nil }
        func little(_ offset: Int, _ count: Int) -> Int {
            (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
        }
        let (width, height): (Int, Int)
        let bytesPerPixel: Int
        switch big(bytes, 12, 4) {
        case 0x5650_3858:  // VP8X: the canvas's size
            (width, height) = (little(24, 3) + 1, little(27, 3) + 1)
            bytesPerPixel = 8
        case 0x5650_384C:  // VP8L (lossless): four bytes a pixel of ARGB, then three of RGB
            guard bytes[20] == 0x2F else { return nil }
            let bits = little(21, 4)
            (width, height) = (bits & 0x3FFF + 1, bits >> 14 & 0x3FFF + 1)
            bytesPerPixel = 7
        case 0x5650_3820:  // VP8 (lossy)
            guard bytes[23] == 0x9D, bytes[24] == 0x01, bytes[25] == 0x2A else { return nil }
            (width, height) = (little(26, 2) & 0x3FFF, little(28, 2) & 0x3FFF)
            bytesPerPixel = 3
        default: return nil
        }
        return ImageHeader(
            width: width, height: height, workingByteCount: width * height * bytesPerPixel, isDivisible: false)
    }

    private static func big(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }
}
