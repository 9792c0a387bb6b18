import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct ImageDecoderTests {
    @Test(arguments: try ImageFixtures.load().images)
    func `An image has Pillow's pixels, upright and as it is stored`(_ expected: ImageFixtures.Fixture) throws {
        let bytes = try ImageFixtures.bytes(expected.file)
        let upright = try ImageDecoder()(bytes)
        #expect((upright.width, upright.height) == (expected.width, expected.height))
        #expect(ImageFixtures.digest(upright.pixels) == expected.digest)
        #expect(upright.channelCount == 3)

        let stored = try ImageDecoder(appliesOrientation: false).decode(bytes)
        #expect((stored.width, stored.height) == (expected.stored.width, expected.stored.height))
        #expect(ImageFixtures.digest(stored.pixels) == expected.stored.digest)
    }

    @Test(arguments: try ImageFixtures.load().hostile)
    func `Every hostile file is refused for its own reason`(_ expected: ImageFixtures.Hostile) throws {
        let bytes = try ImageFixtures.hostileBytes(expected.file)
        let error = #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
        #expect(error.map(Self.name) == expected.error)
    }

    @Test func `An unsupported format is named`() throws {
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

    @Test func `The limit counts pixels and is inclusive`() throws {
        let bytes = try ImageFixtures.bytes("wide.jpg")
        #expect(try ImageDecoder(maxPixels: 400 * 243)(bytes).width == 400)
        #expect(throws: ImageError.tooManyPixels(width: 400, height: 243, limit: 97_199)) {
            try ImageDecoder(maxPixels: 400 * 243 - 1)(bytes)
        }
    }

    @Test(arguments: ["baseline-420.jpg", "progressive-420.jpg", "colour2-depth8-interlaced.png", "lossy-alpha.webp"])
    func `A truncated file throws or decodes completely`(_ file: String) throws {
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

    @Test(arguments: [
        "baseline-420.jpg", "progressive-420.jpg", "cmyk.jpg", "orientation-6.jpg",
        "colour3-depth4-transparent.png",
        "colour0-depth16-interlaced.png", "orientation-compressed-xmp.png", "lossy-alpha.webp", "lossless.webp",
        "moving-small-frame.webp", "orientation-xmp.webp",
    ])
    func `A corrupt file throws or decodes to its size`(_ file: String) throws {
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

    /// The name of an error's case.
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

/// Streaming from a file to a network's input, compared with decoding the whole image first.
@Suite(.timeLimit(.minutes(2)))
struct ImageInputTests {
    private static let ways: [Preprocessing] = [
        .preset(.imagenet, input: [3, 40, 40]), .preset(.stretch, input: [3, 30, 50]),
        .preset(.caffe, input: [3, 64, 20]), .preset(.unit, input: [1, 28, 28]),
        .preset(.imagenet, input: [1, 200, 9]),
        .preset(.stretch, input: [3, 2, 300]),
    ]

    /// The reference: the input from the whole upright image.
    private func expected(_ bytes: [UInt8], _ preprocessing: Preprocessing) throws -> [Float] {
        preprocessing(try ImageDecoder()(bytes)).scalars
    }

    @Test(arguments: try ImageFixtures.load().images.map(\.file))
    func `Every fixture gives the same input when streamed and when decoded whole`(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        for preprocessing in Self.ways {
            let input = try ImageDecoder().input(bytes, for: preprocessing)
            #expect(input.shape == preprocessing.tensorShape)
            #expect(input.scalars == (try expected(bytes, preprocessing)))
        }
    }

    @Test(arguments: try ImageFixtures.load().images.map(\.file))
    func `An image in a slice of a larger buffer gives the same input`(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let body = [0xFF, 0xD8, 0xFF] + bytes + bytes
        var timing = ImageDecoder.Timing()
        let input = try ImageDecoder().input(
            body[3..<3 + bytes.count], for: Self.ways[0], timing: &timing)
        #expect(input.scalars == (try expected(bytes, Self.ways[0])))
    }

    @Test(arguments: JPEGWriter.varieties)
    func `Every variety of JPEG gives the same input when streamed and when decoded whole`(_ writer: JPEGWriter) throws
    {
        for (width, height) in [(1, 1), (17, 90), (90, 17), (333, 251), (40, 700), (700, 40), (3, 400)] {
            let bytes = writer.bytes(width: width, height: height)
            for preprocessing in Self.ways {
                let input = try ImageDecoder().input(bytes, for: preprocessing).scalars
                #expect(input == (try expected(bytes, preprocessing)), "\(width)×\(height)")
            }
        }
    }

    @Test func `Padding around an image smaller than its crop is black`() throws {
        let steps = try Preprocessing(
            colour: .bgr, resize: .shortest(side: 20), crop: (height: 33, width: 41), scale: .unit,
            mean: [0.1, 0.2, 0.3],
            deviation: [1, 2, 3])
        for file in ["orientation-6.jpg", "wide.jpg", "tall.jpg"] {
            let bytes = try ImageFixtures.bytes(file)
            let input = try ImageDecoder().input(bytes, for: steps).scalars
            #expect(input == (try expected(bytes, steps)))
            if file == "tall.jpg" { #expect(input.prefix(3).elementsEqual([-0.1, -0.1, (0 - 0.3) / 3])) }
        }
    }

    @Test(arguments: try ImageFixtures.load().hostile)
    func `Every hostile file is refused with the same error as when it is decoded whole`(
        _ expected: ImageFixtures.Hostile
    ) throws {
        let bytes = try ImageFixtures.hostileBytes(expected.file)
        let whole = #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
        let input = #expect(throws: ImageError.self) { try ImageDecoder().input(bytes, for: Self.ways[0]) }
        #expect(whole == input)
    }

    @Test(arguments: [
        "baseline-420.jpg", "progressive-420.jpg", "restarts-blocks.jpg", "cmyk.jpg", "orientation-6.jpg",
    ])
    func `A corrupt file throws or gives the same input as when it is decoded whole`(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        var generator = SeededGenerator(seed: 43)
        let decoder = ImageDecoder(maxPixels: 100_000)
        for _ in 0..<200 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: 0..<damaged.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            let whole = try? decoder(damaged)
            let input = try? decoder.input(damaged, for: Self.ways[0])
            #expect(input?.scalars == whole.map { Self.ways[0]($0).scalars })
        }
    }

    @Test(arguments: [DecodeMode.exact, .scaled])
    func `The limits of pixels and sides apply`(_ mode: DecodeMode) throws {
        let bytes = try ImageFixtures.bytes("wide.jpg")
        _ = try ImageDecoder(maxPixels: 400 * 243, mode: mode).input(bytes, for: Self.ways[0])
        #expect(throws: ImageError.tooManyPixels(width: 400, height: 243, limit: 97_199)) {
            try ImageDecoder(maxPixels: 400 * 243 - 1, mode: mode).input(bytes, for: Self.ways[0])
        }
    }

    @Test(arguments: try ImageFixtures.load().scaled)
    func `Scaled inputs equal those of Pillow's draft mode and resize`(_ expected: ImageFixtures.Scaled) throws {
        let bytes = try ImageFixtures.bytes(expected.file)
        let preprocessing = Preprocessing.preset(.unit, input: Shape(expected.input))
        let input = try ImageDecoder(mode: .scaled).input(bytes, for: preprocessing).scalars
        #expect(ImageFixtures.digest(input) == expected.digest)
    }

    @Test func `Scaling by one half needs four times the output's side, and one pixel less is not enough`() {
        let mode = DecodeMode.scaled
        #expect(mode.denominator(from: (1600, 1600), to: (100, 100)) == 8)
        #expect(mode.denominator(from: (1599, 1600), to: (100, 100)) == 4)
        #expect(mode.denominator(from: (800, 9000), to: (100, 100)) == 4)
        #expect(mode.denominator(from: (799, 9000), to: (100, 100)) == 2)
        #expect(mode.denominator(from: (400, 400), to: (100, 100)) == 2)
        #expect(mode.denominator(from: (400, 399), to: (100, 100)) == 1)
        #expect(mode.denominator(from: (40, 40), to: (100, 100)) == 1)
        #expect(DecodeMode.exact.denominator(from: (1600, 1600), to: (100, 100)) == 1)
    }

    @Test(arguments: ["strip.png", "lossy.webp", "small.png"])
    func `Formats that cannot scale are exact in either mode`(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let preprocessing = Preprocessing.preset(.unit, input: [3, 4, 4])
        let scaled = try ImageDecoder(mode: .scaled).input(bytes, for: preprocessing).scalars
        #expect(scaled == (try ImageDecoder().input(bytes, for: preprocessing).scalars))
    }
}

/// Cancellation while decoding.
@Suite(.timeLimit(.minutes(2)))
struct ImageStopTests {
    static let files: [(name: String, bytes: [UInt8])] = {
        let (width, height) = (1200, 1100)
        let jpegs = [JPEGWriter(across: 2, down: 2), JPEGWriter(isProgressive: true)].map {
            ("\($0)", $0.bytes(width: width, height: height))
        }
        var generator = SeededGenerator(seed: 5)
        let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let png = try? PNGEncoder.encode(
            PixelImage(width: width, height: height, channelCount: 3, pixels: pixels))
        return jpegs + [("PNG", png ?? [])]
    }()

    private func input(_ bytes: [UInt8], shouldStop: @escaping () -> Bool) throws(ImageError) -> Tensor {
        var timing = ImageDecoder.Timing()
        return try ImageDecoder().input(
            bytes[...], for: .preset(.stretch, input: [3, 16, 16]), timing: &timing, shouldStop: shouldStop)
    }

    @Test(arguments: files.indices)
    func `Every codec checks for cancellation often, and the result does not depend on it`(_ index: Int) throws {
        let bytes = Self.files[index].bytes
        var count = 0
        let watched = try input(bytes) {
            count += 1
            return false
        }
        // 1.3 megapixels.
        #expect(count >= 5, "\(Self.files[index].name)")
        let plain = try ImageDecoder().input(bytes, for: .preset(.stretch, input: [3, 16, 16]))
        #expect(watched.scalars == plain.scalars)
    }

    @Test(arguments: files.indices)
    func `A cancelled codec stops at once and does not ask again`(_ index: Int) throws {
        for last in 1...5 {
            var count = 0
            #expect(throws: ImageError.stopped) {
                try input(Self.files[index].bytes) {
                    count += 1
                    return count == last
                }
            }
            #expect(count == last, "\(Self.files[index].name)")
        }
    }
}

/// Corrupt PNG files, compared with Pillow.
@Suite(.timeLimit(.minutes(2)))
struct DamagedPNGTests {
    struct Case: Decodable, CustomTestStringConvertible {
        let file: String, pillow: String?, reads: Bool, why: String?
        var testDescription: String { file }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/Damaged")

    static var cases: [Case] {
        get throws {
            try JSONDecoder().decode([Case].self, from: Data(contentsOf: folder.appending(path: "expected.json")))
        }
    }

    @Test(arguments: try cases)
    func `A corrupt file decodes to Pillow's pixels or is refused, by one rule`(_ expected: Case) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: expected.file)))
        guard expected.reads else {
            #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
            return
        }
        let image = try ImageDecoder()(bytes)
        if let digest = expected.pillow { #expect(ImageFixtures.digest(image.pixels) == digest) }
    }

    @Test func `Differences from Pillow's rule are explained`() throws {
        for expected in try Self.cases {
            #expect((expected.reads == (expected.pillow != nil)) == (expected.why == nil))
        }
    }
}
