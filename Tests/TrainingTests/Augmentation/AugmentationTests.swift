import Inference
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(5))) struct AugmentationTests {
    private static func written(
        _ augmentation: Augmentation, _ image: PixelImage, _ preprocessing: Preprocessing, seed: UInt64 = 1
    ) -> [Float] {
        var generator = SplitMix64(seed: seed)
        return Tensor(preprocessing.tensorShape) {
            augmentation.write(image, for: preprocessing, using: &generator, into: $0)
        }.scalars
    }

    private static func bytes(
        _ augmentation: Augmentation, _ image: PixelImage, _ preprocessing: Preprocessing, seed: UInt64 = 1
    ) -> [UInt8] {
        var generator = SplitMix64(seed: seed)
        return augmentation.raster(image, for: preprocessing, using: &generator).bytes
    }

    private static func unit(_ channels: Int, _ height: Int, _ width: Int) -> Preprocessing {
        Preprocessing.preset(.unit, input: [channels, height, width])
    }

    @Test(arguments: Preprocessing.Preset.allCases)
    func `without changes the network sees what preprocessing shows, to the last bit`(preset: Preprocessing.Preset) {
        for channels in [1, 3] {
            for image in [
                TestScene.image(height: 28, width: 28, channelCount: 1),
                TestScene.image(height: 41, width: 30, channelCount: 3),
            ] {
                let preprocessing = Preprocessing.preset(preset, input: [channels, 32, 40])
                let expected = preprocessing(image).scalars
                #expect(Self.written(Augmentation(.none), image, preprocessing) == expected)
                // The way of all changes, with none that is due.
                var never = Augmentation()
                never.mirrorProbability = 1e-300
                #expect(Self.written(never, image, preprocessing) == expected)
            }
        }
    }

    @Test(arguments: try AugmentationFixtures.load().crops)
    func `a crop resized has Pillow's bytes`(_ expected: AugmentationFixtures.Resized) {
        let image = AugmentationFixtures.image(expected.picture)
        let box = expected.box
        let part = ResizedCrop(
            rows: box[0]..<box[0] + box[2], columns: box[1]..<box[1] + box[3], height: expected.size[0],
            width: expected.size[1])
        #expect(
            AugmentationFixtures.digits(part.resized(image, turnsGrey: false).bytes) == expected.bytes)
        #expect(
            AugmentationFixtures.digits(part.pixels(of: image).resized(part.inBoundingBox, turnsGrey: false).bytes)
                == expected.bytes)
    }

    @Test(arguments: try AugmentationFixtures.load().boxes)
    func `a box that begins within a pixel has Pillow's bytes`(_ expected: AugmentationFixtures.Resized) {
        let box = expected.box
        let part = ResizedCrop(
            rows: box[0]..<box[2], columns: box[1]..<box[3], height: expected.size[0], width: expected.size[1])
        #expect(
            AugmentationFixtures.digits(
                part.resized(AugmentationFixtures.image(expected.picture), turnsGrey: false).bytes)
                == expected.bytes)
    }

    @Test func `mirrored and inverted images are what they say, before enlarging and after shrinking`() {
        for (height, width) in [(2, 3), (8, 9)] {
            let image = TestScene.image(height: height, width: width, channelCount: 3)
            let preprocessing = Self.unit(3, 2, 3)
            let plain = preprocessing.resized(image).pixels
            #expect(Self.bytes(Augmentation(inversionProbability: 1), image, preprocessing) == plain.map { 255 - $0 })
            let places = [2, 1, 0, 5, 4, 3]
            let mirrored = places.flatMap { Array(plain[3 * $0..<3 * $0 + 3]) }
            #expect(Self.bytes(Augmentation(mirrorProbability: 1), image, preprocessing) == mirrored)
        }
    }

    @Test func `a network of one channel sees grey, one of BGR blue first, and grey images fill three channels`() {
        let augmentation = Augmentation(inversionProbability: 1)
        let colour = TestScene.flat(height: 2, width: 2, [255, 0, 0])
        #expect(Self.bytes(augmentation, colour, Self.unit(1, 4, 4)) == [UInt8](repeating: 255 - 76, count: 16))
        #expect(Self.bytes(augmentation, colour, Self.unit(1, 1, 1)) == [255 - 76])
        let caffe = Preprocessing.preset(.caffe, input: [3, 1, 1])
        #expect(Self.written(augmentation, colour, caffe) == [151, 138, -124])
        let grey = TestScene.flat(height: 2, width: 2, [55])
        #expect(Self.written(augmentation, grey, caffe) == [96, 83, 76])
    }

    @Test func `the paper's windows are parts of the enlarged image, whatever way images are resized`() throws {
        for preset in [Preprocessing.Preset.stretch, .imagenet] {
            let image = TestScene.image(height: 30, width: 20, channelCount: 3)
            let preprocessing = Preprocessing.preset(preset, input: [3, 14, 14])
            let enlarged = Preprocessing.preset(preset == .stretch ? .stretch : .imagenet, input: [3, 16, 16])
            let whole =
                preset == .stretch
                ? enlarged.resized(image)
                : try Preprocessing(
                    colour: .rgb, resize: .shortest(side: 16), crop: (16, 16), scale: .unit, mean: [0, 0, 0],
                    deviation: [1, 1, 1]
                ).resized(image)
            var windows: Set<[UInt8]> = []
            for (top, left) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)] {
                var window: [UInt8] = []
                for row in top..<top + 14 {
                    let start = row * 16 + left
                    window += whole.pixels[3 * start..<3 * (start + 14)]
                }
                windows.insert(window)
            }
            var seen: Set<[UInt8]> = []
            for seed in 0..<100 as Range<UInt64> {
                seen.insert(
                    Self.bytes(
                        Augmentation(geometry: .window(enlargement: 16.0 / 14)), image, preprocessing, seed: seed))
            }
            #expect(seen == windows)
        }
    }

    @Test func `an image made smaller is surrounded by its border's colour`() {
        let half = Augmentation(geometry: .placement(RandomPlacement(scale: 0.5...0.5)))
        let image = PixelImage(
            width: 4, height: 4, channelCount: 1, pixels: [9, 9, 9, 9, 9, 200, 200, 9, 9, 200, 200, 9, 9, 9, 9, 9])
        for seed in 0..<50 as Range<UInt64> {
            let bytes = Self.bytes(half, image, Self.unit(1, 64, 64), seed: seed)
            #expect(bytes.min() == 9)
            // A quarter of the image, which is a quarter of the input, with soft edges.
            let sum = bytes.map { Int($0) - 9 }.reduce(0, +)
            #expect(abs(Double(sum) / 191 - 256) < 3)
        }
        let twice = Augmentation(geometry: .placement(RandomPlacement(scale: 2...2)))
        let flat = TestScene.flat(height: 10, width: 10, [70, 80, 90])
        #expect(Self.bytes(twice, flat, Self.unit(3, 5, 5)) == (0..<25).flatMap { _ in [70, 80, 90] as [UInt8] })
    }

    @Test(arguments: Augmentation.Preset.allCases)
    func `the same generator gives the same image, another gives another`(preset: Augmentation.Preset) {
        let augmentation = Augmentation(preset)
        let image = TestScene.product()
        let preprocessing = Preprocessing.preset(.stretch, input: [3, 64, 64])
        let first = Self.written(augmentation, image, preprocessing, seed: 1)
        #expect(Self.written(augmentation, image, preprocessing, seed: 1) == first)
        #expect((Self.written(augmentation, image, preprocessing, seed: 2) == first) == (preset == .none))
        #expect(first.allSatisfy { (-1...1).contains($0) })
    }

    @Test(arguments: Augmentation.Preset.allCases)
    func `every preset takes images of every kind to networks of every kind`(preset: Augmentation.Preset) {
        let augmentation = Augmentation(preset)
        for (height, width) in [(1, 1), (1, 40), (40, 1), (28, 28), (100, 70), (300, 500)] {
            for channelCount in [1, 3] {
                let image = TestScene.image(height: height, width: width, channelCount: channelCount)
                for way in Preprocessing.Preset.allCases {
                    for input in [1, 3] {
                        let preprocessing = Preprocessing.preset(way, input: [input, 33, 47])
                        for seed in 0..<4 as Range<UInt64> {
                            let scalars = Self.written(augmentation, image, preprocessing, seed: seed)
                            #expect(scalars.allSatisfy { (-124...256).contains($0) })
                        }
                    }
                }
            }
        }
    }
}
