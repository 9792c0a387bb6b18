import TestSupport
import Testing

@testable import Inference

@Suite("Decoding that is stopped from within")
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

    @Test("Every codec asks often, and its answer does not hang on that", arguments: files.indices)
    func asking(_ index: Int) throws {
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

    @Test("Whenever a codec is told to stop it does, and is not asked again", arguments: files.indices)
    func stopping(_ index: Int) throws {
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
