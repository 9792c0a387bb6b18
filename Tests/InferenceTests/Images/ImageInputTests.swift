import TestSupport
import Testing

@testable import Inference

@Suite("From a file to a network's input, against the whole picture")
struct ImageInputTests {
    private static let ways: [Preprocessing] = [
        .preset(.imagenet, input: [3, 40, 40]), .preset(.stretch, input: [3, 30, 50]),
        .preset(.caffe, input: [3, 64, 20]), .preset(.unit, input: [1, 28, 28]),
        .preset(.imagenet, input: [1, 200, 9]),
        .preset(.stretch, input: [3, 2, 300]),
    ]

    /// The input by way of the whole upright picture.
    private func expected(_ bytes: [UInt8], _ preprocessing: Preprocessing) throws -> [Float] {
        preprocessing(try ImageDecoder()(bytes)).scalars
    }

    @Test("Every fixture gives the same by rows and whole", arguments: try ImageFixtures.load().pictures.map(\.file))
    func fixtures(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        for preprocessing in Self.ways {
            let input = try ImageDecoder().input(bytes, for: preprocessing)
            #expect(input.shape == preprocessing.tensorShape)
            #expect(input.scalars == (try expected(bytes, preprocessing)))
        }
    }

    @Test("A picture in the midst of other bytes is the same", arguments: try ImageFixtures.load().pictures.map(\.file))
    func slices(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let body = [0xFF, 0xD8, 0xFF] + bytes + bytes
        var timing = ImageDecoder.Timing()
        let input = try ImageDecoder().input(
            body[3..<3 + bytes.count], for: Self.ways[0], timing: &timing)
        #expect(input.scalars == (try expected(bytes, Self.ways[0])))
    }

    @Test("Every variety of JPEG gives the same by rows and whole", arguments: JPEGWriter.varieties)
    func varieties(_ writer: JPEGWriter) throws {
        for (width, height) in [(1, 1), (17, 90), (90, 17), (333, 251), (40, 700), (700, 40), (3, 400)] {
            let bytes = writer.bytes(width: width, height: height)
            for preprocessing in Self.ways {
                let input = try ImageDecoder().input(bytes, for: preprocessing).scalars
                #expect(input == (try expected(bytes, preprocessing)), "\(width)×\(height)")
            }
        }
    }

    @Test("Padding around a picture smaller than its crop is black")
    func padding() throws {
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

    @Test(
        "Every hostile file is refused as it is when it is decoded whole", arguments: try ImageFixtures.load().hostile)
    func hostile(_ expected: ImageFixtures.Hostile) throws {
        let bytes = try ImageFixtures.hostileBytes(expected.file)
        let whole = #expect(throws: ImageError.self) { try ImageDecoder()(bytes) }
        let input = #expect(throws: ImageError.self) { try ImageDecoder().input(bytes, for: Self.ways[0]) }
        #expect(whole == input)
    }

    @Test(
        "A damaged file throws or gives what it gives when it is decoded whole",
        arguments: ["baseline-420.jpg", "progressive-420.jpg", "restarts-blocks.jpg", "cmyk.jpg", "orientation-6.jpg"])
    func damage(_ file: String) throws {
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

    @Test("The limit of pixels and the sides hold", arguments: [DecodeMode.exact, .scaled])
    func limit(_ mode: DecodeMode) throws {
        let bytes = try ImageFixtures.bytes("wide.jpg")
        _ = try ImageDecoder(maxPixels: 400 * 243, mode: mode).input(bytes, for: Self.ways[0])
        #expect(throws: ImageError.tooManyPixels(width: 400, height: 243, limit: 97_199)) {
            try ImageDecoder(maxPixels: 400 * 243 - 1, mode: mode).input(bytes, for: Self.ways[0])
        }
    }

    @Test("Scaled inputs are those of Pillow's draft and resize", arguments: try ImageFixtures.load().scaled)
    func scaled(_ expected: ImageFixtures.Scaled) throws {
        let bytes = try ImageFixtures.bytes(expected.file)
        let preprocessing = Preprocessing.preset(.unit, input: Shape(expected.input))
        let input = try ImageDecoder(mode: .scaled).input(bytes, for: preprocessing).scalars
        #expect(ImageFixtures.digest(input) == expected.digest)
    }

    @Test("A half needs four times the side, and one pixel less is not enough")
    func denominators() {
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

    @Test("Formats that cannot scale are exact in either mode", arguments: ["strip.png", "lossy.webp", "small.png"])
    func unscaled(_ file: String) throws {
        let bytes = try ImageFixtures.bytes(file)
        let preprocessing = Preprocessing.preset(.unit, input: [3, 4, 4])
        let scaled = try ImageDecoder(mode: .scaled).input(bytes, for: preprocessing).scalars
        #expect(scaled == (try ImageDecoder().input(bytes, for: preprocessing).scalars))
    }
}
