import CZlib
import Inference

/// Images and files that tests make themselves.
enum TestScene {
    /// The image that `Fixtures/Augmentation/make.py` makes.
    static func image(height: Int, width: Int, channelCount: Int) -> PixelImage {
        var pixels: [UInt8] = []
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channelCount {
                    pixels.append(UInt8(truncatingIfNeeded: y * 37 + x * 11 + c * 71 + (y * x) % 13 * 5))
                }
            }
        }
        return PixelImage(width: width, height: height, channelCount: channelCount, pixels: pixels)
    }

    /// One colour.
    static func flat(height: Int, width: Int, _ colour: [UInt8]) -> PixelImage {
        PixelImage(
            width: width, height: height, channelCount: colour.count,
            pixels: (0..<height * width).flatMap { _ in colour })
    }

    /// A light square on black, as Fashion-MNIST's products are.
    static func product(side: Int = 28, level: UInt8 = 200) -> PixelImage {
        let inner = side / 4..<side - side / 4
        let pixels = (0..<side * side).map { index in
            inner.contains(index / side) && inner.contains(index % side) ? level : 0
        }
        return PixelImage(width: side, height: side, channelCount: 1, pixels: pixels)
    }

    /// A PNG file, each row without a filter.
    static func png(_ image: PixelImage) -> [UInt8] {
        func bigEndian(_ number: Int) -> [UInt8] {
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        func chunk(_ type: String, _ content: [UInt8]) -> [UInt8] {
            let body = Array(type.utf8) + content
            return bigEndian(content.count) + body + bigEndian(Int(crc32(0, body, UInt32(body.count))))
        }
        let stride = image.width * image.channelCount
        let rows = (0..<image.height).flatMap { [0] + image.pixels[$0 * stride..<($0 + 1) * stride] }
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk(
                "IHDR",
                bigEndian(image.width) + bigEndian(image.height) + [8, image.channelCount == 1 ? 0 : 2, 0, 0, 0])
            + chunk("IDAT", deflated(rows, windowBits: 15)) + chunk("IEND", [])
    }

    /// A gzip file.
    static func gzip(_ bytes: [UInt8]) -> [UInt8] { deflated(bytes, windowBits: 31) }

    private static func deflated(_ bytes: [UInt8], windowBits: Int32) -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        guard deflateInit2_(&stream, 9, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size) == Z_OK
        else {
            return []
        }
        defer { deflateEnd(&stream) }
        var input = bytes
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 1000) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                _ = deflate(&stream, Z_FINISH)
            }
            count = output.count - Int(stream.avail_out)
        }
    }

    /// An IDX file of unsigned bytes.
    static func idx(_ extents: [Int], _ values: [UInt8], magic: UInt32? = nil) -> [UInt8] {
        let numbers = [magic ?? 0x800 | UInt32(extents.count)] + extents.map { UInt32($0) }
        return numbers.flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } } + values
    }
}
