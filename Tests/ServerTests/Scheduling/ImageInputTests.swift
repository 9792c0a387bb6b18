import Inference
import TestSupport
import Testing

@testable import Server

@Suite("What an image takes, by its header")
struct ImageCostTests {
    private func cost(_ input: PictureInput, maxPixels: Int = 1 << 20) -> ImageCost {
        ImageCost(of: input, maxPixels: maxPixels, inputByteCount: 100)
    }

    @Test("A file costs its pixels, and nothing where it has too many of them or no header")
    func files() throws {
        let size = try ImageDecoder()(TestPicture.png)
        let count = size.width * size.height
        let file = PictureInput.encoded(TestPicture.png[...])
        #expect(cost(file).pixelCount == count)
        #expect(cost(file).byteCount == TestPicture.png.count + 100)
        #expect(cost(file, maxPixels: count).pixelCount == count)
        #expect(cost(file, maxPixels: count - 1).pixelCount == 0)
        #expect(cost(.encoded([1, 2, 3])).pixelCount == 0)
    }

    @Test("Pixels cost themselves, and a tensor none")
    func others() {
        let image = PixelImage(width: 3, height: 2, channelCount: 1, pixels: [UInt8](repeating: 0, count: 6))
        #expect(cost(.pixels(image)) == ImageCost(byteCount: 106, pixelCount: 6, nanoseconds: 50_018))
    }

    @Test(
        "A client is an IPv4 address, or the first half of an IPv6 address",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("::ffff:10.1.2.3", "10.1.2.3"), ("2001:db8::1", "20010db800000000"),
            ("2001:db8:0:0:ffff::2", "20010db800000000"), ("2001:db8:0:1::1", "20010db800000001"),
            ("fe80::1%eth0", "fe80000000000000"),
            ("not:an address", "not:an address"),
        ])
    func clients(_ address: String, _ key: String) {
        #expect(ClientKey.of(address) == key)
    }
}
