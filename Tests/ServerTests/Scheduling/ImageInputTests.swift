import Inference
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ImageInputTests {
    private func cost(_ input: ImageInput, maxPixels: Int = 1 << 20) -> ImageCost {
        ImageCost(of: input, maxPixels: maxPixels, inputByteCount: 100)
    }

    @Test func `A file costs its pixels, and nothing where it has too many of them or no header`() throws {
        let size = try ImageDecoder()(TestPicture.png)
        let count = size.width * size.height
        let file = ImageInput.encoded(TestPicture.png[...])
        #expect(cost(file).pixelCount == count)
        #expect(cost(file).byteCount == TestPicture.png.count + 100)
        #expect(cost(file, maxPixels: count).pixelCount == count)
        #expect(cost(file, maxPixels: count - 1).pixelCount == 0)
        #expect(cost(.encoded([1, 2, 3])).pixelCount == 0)
    }

    @Test func `Pixels cost themselves, and a tensor none`() {
        let image = PixelImage(width: 3, height: 2, channelCount: 1, pixels: [UInt8](repeating: 0, count: 6))
        #expect(cost(.pixels(image)) == ImageCost(byteCount: 106, pixelCount: 6, nanoseconds: 50_018))
    }
}
