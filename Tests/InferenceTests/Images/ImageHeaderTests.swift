import Testing

@testable import Inference

/// Headers read without a codec, compared with the codec's.
@Suite(.timeLimit(.minutes(2)))
struct ImageHeaderTests {
    @Test(arguments: try ImageFixtures.load().images)
    func `The size equals the codec's`(_ image: ImageFixtures.Fixture) throws {
        let header = try #require(ImageHeader(try ImageFixtures.bytes(image.file)[...]))
        #expect((header.width, header.height) == (image.stored.width, image.stored.height))
        #expect(header.pixelCount == header.width * header.height)
    }

    @Test func `A valid file has a header, and a hostile file has the codec's size or no header`()
        throws
    {
        for expected in try ImageFixtures.load().hostile {
            let bytes = try ImageFixtures.hostileBytes(expected.file)
            guard let format = try? ImageFormat(signatureOf: bytes[...]) else {
                #expect(ImageHeader(bytes[...]) == nil)
                continue
            }
            let size = bytes.withUnsafeBufferPointer { bytes -> [Int]? in
                guard let reader = try? ImageReader(bytes, format: format) else { return nil }
                return [reader.width, reader.height]
            }
            guard let size else { continue }
            let header = try #require(ImageHeader(bytes[...]), "\(expected.file)")
            #expect([header.width, header.height] == size, "\(expected.file)")
        }
    }

    @Test(arguments: [
        ("baseline-420.jpg", 0), ("colour2-depth8.png", 0), ("colour2-depth8-interlaced.png", 3),
        ("colour3-depth8-interlaced.png", 1), ("colour0-depth16-interlaced.png", 2), ("lossy.webp", 3),
        ("lossless.webp", 7), ("moving.webp", 8),
    ])
    func `Interlaced PNG and WebP need working memory for every pixel, other files none`(
        _ file: String, _ bytesPerPixel: Int
    ) throws {
        let header = try #require(ImageHeader(try ImageFixtures.bytes(file)[...]))
        #expect(header.workingByteCount == header.pixelCount * bytesPerPixel)
        #expect(header.isDivisible == !file.hasSuffix("webp"))
    }

    @Test func `A progressive JPEG needs two bytes a coefficient, which is what libjpeg allocates`() throws {
        let (width, height) = (640, 480)
        for (writer, perPixel) in [
            (JPEGWriter(isProgressive: true), 6), (JPEGWriter(across: 2, down: 2, isProgressive: true), 3),
            (JPEGWriter(channels: 1, isProgressive: true), 2),
        ] {
            let bytes = writer.bytes(width: width, height: height)
            let held = try #require(ImageHeader(bytes[...])).workingByteCount
            // One more block at each edge.
            #expect(width * height * perPixel...width * height * perPixel * 11 / 10 ~= held)
            // Besides the coefficients the library allocates some rows and tables.
            #expect(try ImageDecoder(maxWorkingBytes: held + 400_000)(bytes).width == width)
            #expect(throws: ImageError.outOfMemory(width: width, height: height)) {
                try ImageDecoder(maxWorkingBytes: held / 2)(bytes)
            }
        }
    }

    @Test func `Arbitrary bytes never trap`() throws {
        for file in ["baseline-420.jpg", "colour2-depth8.png", "lossy.webp", "lossless.webp", "moving.webp"] {
            let bytes = try ImageFixtures.bytes(file)
            for count in 0..<min(bytes.count, 800) {
                _ = ImageHeader(bytes[..<count])
                var flipped = bytes
                flipped[count] ^= 0xFF
                _ = ImageHeader(flipped[...])
            }
        }
        let sides: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        var png = try ImageFixtures.bytes("colour2-depth8.png")
        png.replaceSubrange(16..<24, with: sides)
        #expect(try #require(ImageHeader(png[...])).pixelCount == .max)
    }

    @Test func `A header after 4,096 segments is not found, and such a file is refused where pixels are counted`()
        throws
    {
        let bytes = try ImageFixtures.bytes("baseline-420.jpg")
        let comments = [[UInt8]](repeating: [0xFF, 0xFE, 0, 2], count: 4096).flatMap(\.self)
        let hidden = Array(bytes[..<2] + comments + bytes[2...])
        #expect(ImageHeader(hidden[...]) == nil)
        #expect(try ImageDecoder()(hidden) == ImageDecoder()(bytes))
        let preprocessing = Preprocessing.preset(.unit, input: [3, 8, 8])
        var timing = ImageDecoder.Timing()
        #expect(throws: ImageError.self) {
            try ImageDecoder().input(hidden[...], for: preprocessing, announced: 0, timing: &timing)
        }
        for announced in [61 * 47, nil] {
            _ = try ImageDecoder().input(hidden[...], for: preprocessing, announced: announced, timing: &timing)
        }
        #expect(throws: ImageError.self) {
            try ImageDecoder().input(hidden[...], for: preprocessing, announced: 61 * 47 - 1, timing: &timing)
        }
    }
}
