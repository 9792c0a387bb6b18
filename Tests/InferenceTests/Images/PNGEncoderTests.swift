import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct PNGEncoderTests {
    private func image(_ width: Int, _ height: Int, _ channelCount: Int) -> PixelImage {
        PixelImage(
            width: width, height: height, channelCount: channelCount,
            pixels: (0..<width * height * channelCount).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 / 251) })
    }

    @Test(arguments: [(1, 1, 1), (1, 1, 3), (3, 2, 3), (200, 300, 3), (513, 2, 1)])
    func `Encoding and decoding gives the same image`(_ width: Int, _ height: Int, _ channelCount: Int) throws {
        let image = image(width, height, channelCount)
        #expect(try ImageDecoder()(PNGEncoder.encode(image)) == image.rgb)
    }

    @Test func `A grey image is written in one channel of eight bits, a colour image in three`() throws {
        // IHDR: width, height, depth, colour type.
        #expect(
            Array(try PNGEncoder.encode(image(3, 2, 1))[16..<26]) == [0, 0, 0, 3, 0, 0, 0, 2, 8, 0])
        #expect(
            Array(try PNGEncoder.encode(image(3, 2, 3))[16..<26]) == [0, 0, 0, 3, 0, 0, 0, 2, 8, 2])
    }
}
