import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct PreprocessingTests {
    @Test(arguments: try ImageFixtures.load().resizes)
    func `Resized and cropped bytes equal Pillow's and torchvision's`(_ expected: ImageFixtures.Resized) throws {
        let image = try ImageDecoder()(try ImageFixtures.bytes(expected.file))
        let input: Shape = [expected.channels, expected.height, expected.width]
        let result = try Preprocessing(expected.steps, input: input).resized(image)
        #expect([result.channelCount, result.height, result.width] == input.extents)
        #expect(ImageFixtures.digest(result.pixels) == expected.digest)
    }

    @Test(arguments: try ImageFixtures.load().tensors)
    func `Tensors equal torchvision's bit for bit`(_ expected: ImageFixtures.Normalised) throws {
        let image = try ImageDecoder()(try ImageFixtures.bytes(expected.file))
        let preset = try #require(Preprocessing.Preset(rawValue: expected.preset))
        let preprocessing = Preprocessing.preset(preset, input: Shape(expected.input))
        let tensor = preprocessing(image)
        #expect(tensor.shape == preprocessing.tensorShape)
        // Ours is channels-last, torchvision's channels-first.
        let (channels, innermost) = (expected.input[0], tensor.scalars)
        let scalars = (0..<channels).flatMap { channel in
            stride(from: channel, to: innermost.count, by: channels).map { innermost[$0] }
        }
        #expect(preprocessing.outputShape.extents == expected.input)
        #expect(scalars.first == expected.first)
        #expect(scalars.last == expected.last)
        #expect(ImageFixtures.digest(scalars) == expected.digest)
    }

    @Test func `An image of one colour keeps it at every size`() throws {
        for (width, height) in [(1, 1), (7, 3), (300, 2), (2, 300), (224, 224)] {
            let image = PixelImage(
                width: width, height: height, channelCount: 3,
                pixels: [UInt8](repeating: 0, count: width * height).flatMap { _ in [9, 128, 255] as [UInt8] })
            let result = Preprocessing.preset(.stretch, input: [3, 20, 30]).resized(image)
            #expect(result.pixels == (0..<600).flatMap { _ in [9, 128, 255] as [UInt8] })
        }
    }

    @Test func `Two pixels to one are their mean, and BGR writes blue first`() throws {
        let image = PixelImage(width: 2, height: 1, channelCount: 3, pixels: [10, 20, 30, 20, 40, 70])
        let caffe = Preprocessing.preset(.caffe, input: [3, 1, 1])
        #expect(caffe.resized(image).pixels == [15, 30, 50])
        #expect(caffe(image).scalars == [-54, -87, -109])
        let unit = Preprocessing.preset(.unit, input: [1, 1, 1])
        // Luma first: 19 and 38 (0.299 r + 0.587 g + 0.114 b), then their mean, rounded.
        #expect(unit.resized(image).pixels == [28])
        #expect(unit(image).scalars == [Float(28) / 255])
    }

    @Test func `A grey image feeds a network of three channels`() throws {
        let image = PixelImage(width: 1, height: 2, channelCount: 1, pixels: [0, 255])
        #expect(Preprocessing.preset(.unit, input: [3, 2, 1])(image).scalars == [0, 0, 0, 1, 1, 1])
        #expect(Preprocessing.preset(.unit, input: [1, 2, 1])(image).scalars == [0, 1])
    }

    @Test func `Resizing the longest strips costs no more than their crop`() throws {
        let count = ImageDecoder.maxSide
        let pixels = [UInt8](repeating: 77, count: count * 3)
        for (width, height) in [(1, count), (count, 1)] {
            let image = PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
            for preset in Preprocessing.Preset.allCases {
                let result = Preprocessing.preset(preset, input: [3, 224, 224]).resized(image)
                #expect(result.pixels.allSatisfy { $0 == 77 })
            }
        }
    }

    @Test func `Only the image's slot in a batch is written`() throws {
        let image = PixelImage(width: 1, height: 1, channelCount: 3, pixels: [255, 255, 255])
        var batch = [Float](repeating: -7, count: 5)
        batch.withUnsafeMutableBufferPointer { Preprocessing.preset(.unit, input: [3, 1, 1]).write(image, into: $0) }
        #expect(batch == [1, 1, 1, -7, -7])
    }

    @Test func `A network's input that is not an image is refused`() {
        for shape: Shape in [[3, 224], [4, 224, 224], [3, 0, 224], [3, 224, 1 << 40], []] {
            #expect(throws: PreprocessingError.unsupportedInput(shape)) { try Preprocessing(.unit, input: shape) }
        }
    }
}
