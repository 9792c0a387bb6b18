import TestSupport
import Testing

@testable import Inference

struct ImageDecoderTests {
    @Test("A picture has Pillow's pixels, upright and as it is stored", arguments: try ImageFixtures.load().pictures)
    func pixels(_ expected: ImageFixtures.Picture) throws {
        let bytes = try ImageFixtures.bytes(expected.file)
        let upright = try ImageDecoder()(bytes)
        #expect([upright.width, upright.height] == [expected.width, expected.height])
        #expect(ImageFixtures.digest(upright.pixels) == expected.digest)
        #expect(upright.channelCount == 3)

        let stored = try ImageDecoder(appliesOrientation: false).decode(bytes)
        #expect([stored.width, stored.height] == [expected.stored.width, expected.stored.height])
        #expect(ImageFixtures.digest(stored.pixels) == expected.stored.digest)
    }

    @Test("Every hostile file is refused for its own reason", arguments: try ImageFixtures.load().hostile)
    func hostile(_ expected: ImageFixtures.Hostile) throws {
        let bytes = try ImageFixtures.hostileBytes(expected.file)
        let error = #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
        #expect(error.map(Self.name) == expected.error)
    }

    @Test("What is not decoded is named")
    func names() throws {
        let expected = [
            "picture.gif": "a GIF", "picture.bmp": "a BMP", "picture.tiff": "a TIFF", "photo.heic": "a HEIC photo",
            "picture.avif": "an AVIF", "paper.pdf": "a PDF", "note.txt": "plain text", "page.html": "an HTML page",
            "drawing.svg": "an SVG", "archive.zip": "a ZIP archive", "sound.wav": "bytes of no known image format",
        ]
        for (file, found) in expected {
            let bytes = try ImageFixtures.hostileBytes(file)
            #expect(throws: ImageError.unsupportedFormat(found: found)) { try ImageDecoder()(bytes) }
        }
        #expect(
            ImageError.unsupportedFormat(found: "a GIF").description
                == "The image looks like a GIF; send a JPEG, PNG or WebP file.")
    }

    @Test("The limit is in pixels, and the last one counts")
    func limit() throws {
        let bytes = try ImageFixtures.bytes("wide.jpg")
        #expect(try ImageDecoder(maxPixels: 400 * 243)(bytes).width == 400)
        #expect(throws: ImageError.tooManyPixels(width: 400, height: 243, limit: 97_199)) {
            try ImageDecoder(maxPixels: 400 * 243 - 1)(bytes)
        }
    }

    @Test(
        "A file cut short anywhere throws or decodes whole",
        arguments: ["baseline-420.jpg", "progressive-420.jpg", "colour2-depth8-interlaced.png", "lossy-alpha.webp"])
    func truncation(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let whole = try ImageDecoder()(bytes)
        var refusals = 0
        for count in 0..<bytes.count {
            do throws(ImageError) {
                let image = try ImageDecoder()(Array(bytes[..<count]))
                #expect(image == whole, "cut to \(count) bytes")
            } catch {
                refusals += 1
                #expect(
                    ["empty", "truncated", "unsupportedFormat"].contains(Self.name(error)), "cut to \(count) bytes")
            }
        }
        #expect(refusals > bytes.count * 9 / 10)
    }

    @Test(
        "A damaged file throws or decodes to its size, and never more",
        arguments: [
            "baseline-420.jpg", "progressive-420.jpg", "cmyk.jpg", "orientation-6.jpg",
            "colour3-depth4-transparent.png",
            "colour0-depth16-interlaced.png", "orientation-compressed-xmp.png", "lossy-alpha.webp", "lossless.webp",
            "moving-small-frame.webp", "orientation-xmp.webp",
        ])
    func damage(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        var generator = SeededGenerator(seed: 42)
        let decoder = ImageDecoder(maxPixels: 100_000)
        for _ in 0..<400 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if let image = try? decoder(damaged) {
                #expect(image.width * image.height <= 100_000)
                #expect(image.pixels.count == image.width * image.height * 3)
            }
        }
    }

    /// The case without its values.
    private static func name(_ error: ImageError) -> String {
        switch error {
        case .empty: "empty"
        case .unsupportedFormat: "unsupportedFormat"
        case .unsupportedVariety: "unsupportedVariety"
        case .corrupt: "corrupt"
        case .truncated: "truncated"
        case .tooManyPixels: "tooManyPixels"
        case .sideTooLong: "sideTooLong"
        case .outOfMemory: "outOfMemory"
        case .tooMuchHeld: "tooMuchHeld"
        case .stopped: "stopped"
        }
    }
}
