import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct BackdropTests {
    private let plain = Backdrop(
        isNegative: false, product: [1, 0.5, 0], shade: 0.5, gamma: 1, background: [0, 0, 1], fall: (0, 0))

    @Test func `black that is joined to the edge becomes background, the rest a colour times its light`() throws {
        // A ring of light around a hole that is black, too.
        let levels: [UInt8] = [
            0, 0, 0, 0, 0, 0, 0,
            0, 255, 255, 255, 255, 255, 0,
            0, 255, 255, 255, 255, 255, 0,
            0, 255, 255, 0, 255, 255, 0,
            0, 255, 255, 255, 255, 255, 0,
            0, 255, 255, 255, 255, 255, 0,
            0, 0, 0, 0, 0, 0, 0,
        ]
        let raster = Raster(PixelImage(width: 7, height: 7, channelCount: 1, pixels: levels))
        guard let scene = plain(raster, channelCount: 3) else {
            Issue.record("the image was refused")
            return
        }
        let bytes = scene.bytes
        func colour(_ row: Int, _ column: Int) -> [UInt8] {
            Array(bytes[(row * 7 + column) * 3..<(row * 7 + column) * 3 + 3])
        }
        #expect(colour(0, 0) == [0, 0, 255])
        #expect(colour(1, 1) == [255, 128, 0])
        #expect(colour(2, 3) == [255, 128, 0])
        #expect(colour(3, 3) == [128, 64, 0])
        guard let grey = plain(raster, channelCount: 1) else {
            Issue.record("the image was refused")
            return
        }
        #expect([grey.bytes[0], grey.bytes[8], grey.bytes[24]] == [29, 151, 76])
    }

    @Test func `a pixel of the outline that is half black is half background`() {
        var levels = [UInt8](repeating: 0, count: 25)
        for row in 0..<5 { levels.replaceSubrange(row * 5 + 2..<row * 5 + 5, with: [100, 200, 200]) }
        let raster = Raster(PixelImage(width: 5, height: 5, channelCount: 1, pixels: levels))
        let backdrop = Backdrop(
            isNegative: false, product: [1, 1, 1], shade: 1, gamma: 1, background: [0, 0, 0], fall: (0, 0))
        let bytes = backdrop(raster, channelCount: 3)?.bytes ?? []
        #expect(bytes.prefix(15) == [0, 0, 0, 0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255])
    }

    @Test func `a pixel of noise on its own hardly shows`() {
        var levels = [UInt8](repeating: 0, count: 25)
        levels[12] = 25
        let raster = Raster(PixelImage(width: 5, height: 5, channelCount: 1, pixels: levels))
        let bytes = plain(raster, channelCount: 3)?.bytes ?? []
        // A tenth orange, of which 0.55 is light.
        #expect(bytes.dropFirst(36).prefix(3) == [14, 7, 230])
    }

    @Test func `images in colour, or without a dark edge, are left as they are`() {
        let colour = plain(Raster(TestScene.flat(height: 4, width: 4, [0, 0, 9])), channelCount: 3) == nil
        #expect(colour)
        let light = plain(Raster(TestScene.flat(height: 4, width: 4, [9])), channelCount: 3) == nil
        #expect(light)
        let dark = plain(Raster(TestScene.flat(height: 4, width: 4, [8, 8, 0])), channelCount: 3) == nil
        #expect(!dark)
    }

    @Test func `most backgrounds are light, and the product is seen before them`() {
        var lightCount = 0
        for seed in 0..<500 as Range<UInt64> {
            var generator = SplitMix64(seed: seed)
            let backdrop = Backdrop(using: &generator)
            let raster = Raster(TestScene.product())
            guard let scene = backdrop(raster, channelCount: 3) else {
                Issue.record("the image was refused")
                return
            }
            let bytes = scene.bytes
            if (bytes.prefix(3).min() ?? 0) > 150 { lightCount += 1 }
        }
        #expect((300...450).contains(lightCount))
    }
}
