import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct HeadLayerTests {
    private static func random(_ shape: Shape, seed: UInt64) -> Tensor {
        var values = RandomValues(seed: seed)
        return Tensor(shape, scalars: (0..<shape.elementCount).map { _ in values.next() })
    }

    /// A layer, and the shape of one image's input.
    struct Case: Sendable, CustomTestStringConvertible {
        let layer: any HeadLayer
        let input: Shape

        var testDescription: String { "\(type(of: layer)) on \(input)" }
    }

    private static let linear = Linear(weight: random([5, 12], seed: 1), bias: random([5], seed: 2))
    private static let workers = WorkerPool(threadCount: 1)
    private static let packed = Linear(
        weight: .packed(PackedWeights(random([40, 12], seed: 3), as: .int24, workers: workers)),
        bias: random([40], seed: 4))

    private static let cases = [
        Case(layer: linear, input: [12]), Case(layer: packed, input: [12]), Case(layer: ReLU(), input: [2, 3, 3]),
        Case(layer: Sigmoid(), input: [2, 3, 3]), Case(layer: Tanh(), input: [7]),
        Case(layer: Flatten(), input: [3, 2, 4]),
        Case(layer: ChannelAffine(scale: random([3], seed: 5), shift: random([3], seed: 6)), input: [3, 2, 2]),
        Case(layer: MaxPool2d(kernelSize: 3, stride: 2), input: [2, 7, 7]),
        Case(layer: MaxPool2d(kernelSize: 3, stride: 2, padding: 1, roundsUp: true), input: [2, 6, 5]),
        Case(layer: AvgPool2d(kernelSize: 2, stride: 2), input: [2, 4, 6]),
        Case(layer: AvgPool2d(kernelSize: 3, stride: 2, padding: 1, countsPadding: false), input: [2, 5, 5]),
        Case(layer: AvgPool2d(kernelSize: 3, stride: 2, padding: 1), input: [2, 5, 5]),
        Case(layer: AvgPool2d(kernelSize: 3, stride: 2, roundsUp: true), input: [1, 6, 6]),
        Case(layer: AdaptiveAvgPool2d(outputSize: 1), input: [3, 5, 4]),
        Case(layer: AdaptiveAvgPool2d(outputSize: 3), input: [2, 7, 5]),
        Case(layer: Conv2d(weight: random([4, 3, 3, 3], seed: 7), bias: nil), input: [3, 3, 3]),
        Case(
            layer: Conv2d(weight: random([4, 2, 3, 3], seed: 8), bias: nil, stride: 2, padding: 1, groups: 2),
            input: [4, 5, 5]),
    ]

    /// From `[C, H, W]` to the engine's `[H, W, C]`.
    private static func channelsLast(_ values: [Float], _ shape: Shape) -> [Float] {
        guard shape.rank == 3 else { return values }
        let pixels = shape[1] * shape[2]
        return (0..<values.count).map { values[$0 % shape[0] * pixels + $0 / shape[0]] }
    }

    @Test(arguments: cases)
    func `the gradient is that of central differences`(_ example: Case) throws {
        let layer = example.layer
        let outputShape = try layer.outputShape(for: example.input)
        let input = Self.random(example.input, seed: 9)
        func output(_ values: [Float]) -> [Float] {
            layer(Tensor(Shape([1] + example.input.extents), scalars: values)).scalars
        }
        let gradient = Self.random(outputShape, seed: 10).scalars
        let step: Float = 1e-3
        var expected: [Float] = []
        for index in input.scalars.indices {
            var (above, below) = (input.scalars, input.scalars)
            above[index] += step
            below[index] -= step
            let difference = zip(zip(output(above), output(below)), gradient).reduce(0.0) { sum, terms in
                sum + Double(terms.0.0 - terms.0.1) * Double(terms.1)
            }
            expected.append(Float(difference / Double(above[index] - below[index])))
        }
        let found = layer.inputGradient(
            Self.channelsLast(gradient, outputShape),
            HeadValues(
                inputShape: example.input, outputShape: outputShape,
                input: Self.channelsLast(input.scalars, example.input),
                output: Self.channelsLast(output(input.scalars), outputShape)))
        for (one, other) in zip(found, Self.channelsLast(expected, example.input)) {
            #expect(abs(one - other) < 5e-3 * max(1, abs(other)), "\(one), not \(other)")
        }
        #expect(found.count == expected.count)
    }
}

@Suite(.timeLimit(.minutes(2))) struct ClassActivationMapTests {
    private func model(_ tiny: TinyModel) throws -> Model {
        try ModelLoader(workers: WorkerPool(threadCount: 2)).load(try ModelFiles(folder: tiny.folder.path))
    }

    private func image(_ model: Model) -> Tensor {
        var values = RandomValues(seed: 3)
        return Tensor(
            model.preprocessing.tensorShape,
            scalars: (0..<model.preprocessing.tensorShape.elementCount).map { _ in values.next() })
    }

    @Test func `a map is that of the textbook: the feature map weighted by its mean gradients`() throws {
        let model = try model(try TinyModel())
        let image = image(model)
        let head = try #require(model.network.nodes.firstIndex { $0.layer is MaxPool2d && $0.name == lastPool(model) })
        let parts = try #require(model.network.split(before: head))
        let pixels = image.scalars
        let channelsFirst = (0..<pixels.count).map { index in
            let area = model.network.inputShape[1] * model.network.inputShape[2]
            return pixels[index % area * model.network.inputShape[0] + index / area]
        }
        let features = parts.head(Tensor(Shape([1] + model.network.inputShape.extents), scalars: channelsFirst))
        let logits = parts.tail(features).scalars
        for index in logits.indices {
            let explanation = try model.explanation(of: image, classIndex: index)
            #expect(explanation.classIndex == index)
            for (one, other) in zip(explanation.logits, logits) { #expect(abs(one - other) < 1e-4) }
            let expected = textbook(parts.tail, features, classIndex: index)
            let shape = features.shape
            #expect(explanation.map.height == shape[2] && explanation.map.width == shape[3])
            #expect(explanation.map.layer == "features.10")
            for (one, other) in zip(explanation.map.values, expected) { #expect(abs(one - other) < 2e-2) }
        }
        let best = logits.indices.max { logits[$0] < logits[$1] }
        #expect(try model.explanation(of: image, classIndex: nil).classIndex == best)
    }

    private func lastPool(_ model: Model) -> String? {
        model.network.nodes.last { $0.layer is MaxPool2d }?.name
    }

    /// By central differences: the mean gradient of each channel, the weighted sum, the ReLU, and the largest made 1.
    private func textbook(_ tail: Network, _ features: Tensor, classIndex: Int) -> [Float] {
        let (channels, pixels) = (features.shape[1], features.shape[2] * features.shape[3])
        let step: Float = 1e-2
        var map = [Double](repeating: 0, count: pixels)
        for channel in 0..<channels {
            var importance = 0.0
            for pixel in 0..<pixels {
                var (above, below) = (features.scalars, features.scalars)
                above[channel * pixels + pixel] += step
                below[channel * pixels + pixel] -= step
                let difference =
                    tail(Tensor(features.shape, scalars: above)).scalars[classIndex]
                    - tail(Tensor(features.shape, scalars: below)).scalars[classIndex]
                importance += Double(difference) / Double(2 * step)
            }
            for pixel in 0..<pixels { map[pixel] += importance * Double(features.scalars[channel * pixels + pixel]) }
        }
        let largest = map.max() ?? 0
        return map.map { largest > 0 ? Float(max(0, $0 / largest)) : 0 }
    }

    @Test func `the first layer's outputs are those of the network`() throws {
        let model = try model(try TinyModel())
        let explanation = try model.explanation(of: image(model), classIndex: 0)
        let maps = try #require(explanation.firstLayer)
        #expect(maps.layer == "features.0")
        #expect(maps.values.shape == model.network.shapes[0])
        #expect(maps.values.scalars.allSatisfy { $0 >= 0 } && maps.values.scalars.contains { $0 > 0 })
        let grid = try maps.grid()
        // Four channels in two columns; each is enlarged to at least 64 pixels, with lines of 2 pixels around.
        let side = maps.values.shape[2]
        let drawn = side * ((64 + side - 1) / side)
        #expect(maps.values.shape[0] == 4 && side <= 64)
        #expect(grid.channelCount == 1 && grid.width == 2 + 2 * (drawn + 2) && grid.height == grid.width)
    }

    @Test func `a class that there is not is refused, and a network without a feature map`() throws {
        let model = try model(try TinyModel())
        for index in [-1, 3] {
            #expect(throws: ExplanationError.unknownClass(index, count: 3)) {
                try model.explanation(of: image(model), classIndex: index)
            }
        }
        #expect(try model.explanation(of: image(model), classIndex: 2).classIndex == 2)
    }

    @Test func `a heat map is laid over the image, and where it is zero the image is as it was`() {
        let map = ClassActivationMap(layer: "x", width: 2, height: 1, values: [0, 1])
        let image = PixelImage(width: 4, height: 2, channelCount: 1, pixels: [UInt8](repeating: 100, count: 8))
        let overlay = map.overlay(on: image)
        #expect(overlay.width == 4 && overlay.height == 2 && overlay.channelCount == 3)
        #expect(Array(overlay.pixels[0..<3]) == [100, 100, 100])
        // Of 240, 249, 33 three fifths, of the grey two.
        #expect(Array(overlay.pixels[9..<12]) == [184, 189, 60])
    }

    @Test func `the input's bytes come back out of the network's input, whatever the normalisation`() throws {
        let pixels = (0..<48).map { UInt8($0 * 5) }
        for preset in Preprocessing.Preset.allCases {
            let preprocessing = try Preprocessing(preset, input: [3, 4, 4])
            let image = PixelImage(width: 4, height: 4, channelCount: 3, pixels: pixels)
            #expect(preprocessing.image(of: preprocessing(image)) == preprocessing.resized(image))
        }
    }

    @Test func `the visible part is the crop in the image's pixels`() throws {
        let imagenet = try Preprocessing(.imagenet, input: [3, 224, 224])
        let part = imagenet.visiblePart(width: 1024, height: 512)
        // The shorter side becomes 256, and the middle 224 are cut out.
        #expect(part.x == 288 && part.y == 32 && part.width == 448 && part.height == 448)
        let stretch = try Preprocessing(.stretch, input: [3, 32, 32])
        let whole = stretch.visiblePart(width: 640, height: 480)
        #expect(whole.x == 0 && whole.y == 0 && whole.width == 640 && whole.height == 480)
    }
}
