import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ColourJitterTests {
    @Test(arguments: try AugmentationFixtures.load().jitters)
    func `each change gives torchvision's bytes`(_ expected: AugmentationFixtures.Jittered) {
        var raster = Raster(TestScene.image(height: 12, width: 10, channelCount: expected.channels))
        raster.apply(expected.expected)
        #expect(AugmentationFixtures.digits(raster.bytes) == expected.bytes)
    }

    @Test func `factors lie around one and shifts around zero, in any order`() {
        let jitter = ColourJitter(brightness: 0.5, contrast: 2, saturation: 0.1, hue: 0.2)
        var generator = SplitMix64(seed: 1)
        var first: Set<Int> = []
        for _ in 0..<200 {
            let changes = jitter(using: &generator)
            #expect(changes.count == 4)
            for (place, change) in changes.enumerated() {
                let (kind, isInRange) =
                    switch change {
                    case .brightness(let factor): (0, (0.5...1.5).contains(factor))
                    case .contrast(let factor): (1, (0...3).contains(factor))
                    case .saturation(let factor): (2, (0.9...1.1).contains(factor))
                    case .hue(let shift): (3, (-0.2...0.2).contains(shift))
                    }
                #expect(isInRange)
                if place == 0 { first.insert(kind) }
            }
        }
        #expect(first == [0, 1, 2, 3])
        #expect(ColourJitter(contrast: 0.1)(using: &generator).count == 1)
    }
}
