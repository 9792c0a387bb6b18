import Host
import TestSupport
import Testing

@testable import Inference

/// Compares the kernels of every instruction set with naive loops. Serialized, because the instruction set is process-wide.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct StreamingResamplerTests {
    /// The reference: Pillow's two passes over the whole image, rounded to bytes in between.
    private func reference(_ image: PixelImage, to size: (height: Int, width: Int), columnsFirst: Bool) -> [UInt8] {
        let channels = image.channelCount
        func pass(
            _ pixels: [UInt8], lineCount: Int, length: Int, outputLength: Int, lineStep: Int, step: Int,
            outputLineStep: Int, outputStep: Int
        ) -> [UInt8] {
            let axis = ResampleWeights(
                inputLength: length, span: 0..<Double(length), outputLength: outputLength, window: 0..<outputLength)
            var result = [UInt8](repeating: 0, count: lineCount * outputLength * channels)
            for line in 0..<lineCount {
                for output in 0..<outputLength {
                    for channel in 0..<channels {
                        var sum: Int32 = 1 << 21
                        for tap in 0..<Int(axis.counts[output]) {
                            let place = line * lineStep + (Int(axis.starts[output]) + tap) * step + channel
                            sum &+= Int32(pixels[place]) &* axis.weights[output * axis.stride + tap]
                        }
                        result[line * outputLineStep + output * outputStep + channel] = UInt8(
                            clamping: Int(sum >> 22))
                    }
                }
            }
            return result
        }
        let (height, width) = (image.height, image.width)
        if columnsFirst {
            let middle = pass(
                image.pixels, lineCount: height, length: width, outputLength: size.width, lineStep: width * channels,
                step: channels, outputLineStep: size.width * channels, outputStep: channels)
            return pass(
                middle, lineCount: size.width, length: height, outputLength: size.height, lineStep: channels,
                step: size.width * channels, outputLineStep: channels, outputStep: size.width * channels)
        }
        let middle = pass(
            image.pixels, lineCount: width, length: height, outputLength: size.height, lineStep: channels,
            step: width * channels, outputLineStep: channels, outputStep: width * channels)
        return pass(
            middle, lineCount: size.height, length: width, outputLength: size.width, lineStep: width * channels,
            step: channels, outputLineStep: size.width * channels, outputStep: channels)
    }

    @Test(arguments: InstructionSet.allCases, [1, 3])
    func `Each instruction set gives the same result as the naive loops`(_ instructions: InstructionSet, channels: Int)
        throws
    {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        var generator = SeededGenerator(seed: 3)
        var shapes = [(1, 1, 1, 1), (1, 1, 7, 5), (300, 2, 3, 40), (2, 300, 40, 3), (64, 64, 64, 64), (5, 900, 4, 6)]
        for _ in 0..<40 {
            let sides = (0..<4).map { _ in Int.random(in: 1...70, using: &generator) }
            shapes.append((sides[0] * 3, sides[1] * 3, sides[2], sides[3]))
        }
        for (height, width, outputHeight, outputWidth) in shapes {
            let pixels = (0..<height * width * channels).map { _ in
                UInt8([0, 255, Int.random(in: 0...255, using: &generator)].randomElement(using: &generator) ?? 0)
            }
            let image = PixelImage(width: width, height: height, channelCount: channels, pixels: pixels)
            let preprocessing = Preprocessing.preset(.unit, input: [channels, outputHeight, outputWidth])
            let columnsFirst = height - outputHeight <= 2 * max(0, width - outputWidth)
            let expected = reference(image, to: (outputHeight, outputWidth), columnsFirst: columnsFirst)
            #expect(
                preprocessing.resized(image).pixels == expected,
                "\(height)×\(width) to \(outputHeight)×\(outputWidth)")
            #expect(preprocessing(image).scalars == expected.map { Float($0) / 255 })
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `Each instruction set normalises to the same values`(_ instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let image = PixelImage(
            width: 256, height: 1, channelCount: 3,
            pixels: (0..<256).flatMap { [UInt8($0), UInt8(255 - $0), UInt8($0)] })
        let mean: [Float] = [0.485, 0.456, 0.406]
        let deviation: [Float] = [0.229, 0.224, 0.225]
        for colour in [Preprocessing.Colour.rgb, .bgr] {
            let preprocessing = try Preprocessing(
                colour: colour, resize: .stretch(height: 1, width: 256), crop: (height: 1, width: 256), scale: .unit,
                mean: mean, deviation: deviation)
            let expected = (0..<256).flatMap { byte -> [Float] in
                let (red, green) = (Float(byte) / 255, Float(255 - byte) / 255)
                let pixel = [red, green, red]
                return (0..<3).map { (pixel[$0] - mean[$0]) / deviation[$0] }
            }
            #expect(preprocessing(image).scalars == expected)
        }
    }

    @Test(arguments: [(60, 40), (7, 90), (90, 7)])
    func `Every orientation is resized as if it had been put upright first`(_ width: Int, _ height: Int) {
        var generator = SeededGenerator(seed: 9)
        let pixels = (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let image = PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
        for orientation in Orientation.allCases {
            for input: Shape in [[3, 20, 20], [3, 100, 3], [1, 9, 14], [3, 33, 80]] {
                for preset in [Preprocessing.Preset.caffe, .imagenet, .stretch] {
                    let preprocessing = Preprocessing.preset(preset, input: input)
                    let plan = ResizePlan(
                        preprocessing, height: height, width: width, orientation: orientation)
                    let isGrey = input[0] == 1
                    var result = [UInt8](repeating: 0, count: input.elementCount)
                    result.withUnsafeMutableBufferPointer { result in
                        guard let result = result.baseAddress else { return }
                        plan.resize(image, isGrey: isGrey, swapsRedAndBlue: false, to: result)
                    }
                    #expect(
                        result == preprocessing.resized(orientation.applied(to: image)).pixels,
                        "\(orientation) \(input) \(preset)")
                }
            }
        }
    }
}
