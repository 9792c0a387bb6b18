import Inference
import Testing
import Threads

@testable import Training

/// Every layer's gradients against central differences of the loss.
@Suite(.timeLimit(.minutes(5))) struct GradientTests {
    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let inputShape: Shape
        let chain: [(name: String, layer: any Layer)]
    }

    private static func noise(_ shape: Shape, seed: Int, scale: Float = 1) -> Tensor {
        Tensor(
            shape,
            scalars: (0..<shape.elementCount).map {
                scale * (Float((($0 + seed * 7919) &* 2_654_435_761) & 0xFFFF) / 32_768 - 1)
            })
    }

    private static func conv(
        _ inputs: Int, _ outputs: Int, _ kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0, groups: Int = 1,
        seed: Int = 1, scale: Float = 0.5, hasBias: Bool = true
    ) -> Conv2d {
        Conv2d(
            weight: noise([outputs, inputs / groups, kernel.height, kernel.width], seed: seed, scale: scale),
            bias: hasBias ? noise([outputs], seed: seed + 1, scale: 0.1) : nil, stride: stride, padding: padding,
            groups: groups)
    }

    private static func linear(_ inputs: Int, _ outputs: Int, seed: Int = 5) -> Linear {
        Linear(
            weight: noise([outputs, inputs], seed: seed, scale: 0.5),
            bias: noise([outputs], seed: seed + 1, scale: 0.1)
        )
    }

    static let cases: [Case] = [
        Case(testDescription: "linear", inputShape: [7], chain: [("fc", linear(7, 5))]),
        Case(
            testDescription: "two linear layers with a ReLU", inputShape: [7],
            chain: [("one", linear(7, 9)), ("relu", ReLU()), ("two", linear(9, 4, seed: 8))]),
        Case(
            testDescription: "convolutions of stride 1", inputShape: [3, 7, 6],
            chain: [
                ("one", conv(3, 4, 3, padding: 1)), ("relu", ReLU()), ("two", conv(4, 5, 3, padding: 1, seed: 3)),
                ("flatten", Flatten()), ("fc", linear(210, 3)),
            ]),
        Case(
            testDescription: "kernels of 5 and of 2 by 4, unpadded", inputShape: [2, 9, 8],
            chain: [
                ("zero", conv(2, 3, 1)), ("one", conv(3, 4, 5, padding: 2)),
                ("two", conv(4, 3, Size2d(height: 2, width: 4), seed: 3)), ("flatten", Flatten()),
                ("fc", linear(120, 3)),
            ]),
        Case(
            testDescription: "strided convolutions", inputShape: [2, 11, 9],
            chain: [
                ("one", conv(2, 3, 3, padding: 1)), ("two", conv(3, 4, 3, stride: 2, padding: 1, seed: 3)),
                ("three", conv(4, 3, 4, stride: Size2d(height: 3, width: 2), padding: 1, seed: 4)),
                ("flatten", Flatten()), ("fc", linear(12, 3)),
            ]),
        Case(
            testDescription: "convolutions without biases, by windows and by tiles", inputShape: [2, 8, 8],
            chain: [
                ("one", conv(2, 40, 3, hasBias: false)),
                ("two", conv(40, 40, 3, padding: 1, seed: 3, scale: 0.02, hasBias: false)),
                ("pool", AdaptiveAvgPool2d(outputSize: 3)), ("flatten", Flatten()), ("fc", linear(360, 3)),
            ]),
        Case(
            testDescription: "groups", inputShape: [4, 6, 6],
            chain: [
                ("one", conv(4, 6, 3, padding: 1, groups: 2)), ("two", conv(6, 4, 3, stride: 2, groups: 2, seed: 3)),
                ("flatten", Flatten()), ("fc", linear(16, 3)),
            ]),
        Case(
            testDescription: "a pooling behind a ReLU", inputShape: [2, 8, 7],
            chain: [
                ("one", conv(2, 20, 3, padding: 1)), ("relu", ReLU()), ("pool", MaxPool2d(kernelSize: 3, stride: 2)),
                ("flatten", Flatten()), ("fc", linear(180, 3)),
            ]),
        Case(
            testDescription: "a padded pooling by itself, and averages", inputShape: [2, 8, 7],
            chain: [
                ("one", conv(2, 3, 3, padding: 1)), ("pool", MaxPool2d(kernelSize: 3, stride: 2, padding: 1)),
                ("average", AdaptiveAvgPool2d(outputSize: 3)), ("flatten", Flatten()), ("fc", linear(27, 3)),
            ]),
        Case(
            testDescription: "local response normalisation", inputShape: [2, 4, 5],
            chain: [
                ("one", conv(2, 7, 3, padding: 1)), ("relu", ReLU()),
                ("norm", LocalResponseNorm(size: 5, alpha: 0.5, beta: 0.75, k: 1)),
                ("pool", MaxPool2d(kernelSize: 2, stride: 1)),
                ("even", LocalResponseNorm(size: 4, alpha: 0.3, beta: 0.6, k: 2, convention: .tensorflow)),
                ("flatten", Flatten()), ("fc", linear(84, 3)),
            ]),
        Case(
            testDescription: "dropout", inputShape: [3, 4, 4],
            chain: [
                ("flatten", Flatten()), ("drop", Dropout(probability: 0.4)), ("one", linear(48, 9)), ("relu", ReLU()),
                ("drop2", Dropout()), ("fc", linear(9, 3)),
            ]),
    ]

    @Test(arguments: cases)
    func `the gradients are the loss's central differences`(_ example: Case) throws {
        try check(try Network(inputShape: example.inputShape, chain: example.chain))
    }

    private func check(_ network: Network) throws {
        let learner = try TrainableNetwork(network, maxBatchSize: 3, workers: WorkerPool(threadCount: 2))
        let images = Self.noise([3, network.inputShape.elementCount], seed: 77).scalars
        let labels = [0, 2, 1]
        func loss() -> Double {
            images.withUnsafeBufferPointer {
                $0.baseAddress.map { learner.gradients(images: $0, labels: labels, seed: 9).loss } ?? .nan
            }
        }
        #expect(loss().isFinite)
        let gradients = Array(learner.parameters.gradients)
        let scale = Double(gradients.map(abs).max() ?? 0)
        #expect(scale > 0)
        for entry in learner.parameters.entries {
            // Some of each parameter's numbers, the first and the last among them.
            let step = max(1, entry.range.count / 12)
            for index in Set(stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: step))
                .union([entry.range.upperBound - 1])
            {
                let value = learner.parameters.values[index]
                var slopes: [Double] = []
                for delta in [Float(2e-3), 1e-3] {
                    learner.parameters.values[index] = value + delta
                    let above = loss()
                    learner.parameters.values[index] = value - delta
                    let below = loss()
                    learner.parameters.values[index] = value
                    slopes.append((above - below) / (2 * Double(delta)))
                }
                // A kink between the two steps tells nothing.
                guard abs(slopes[0] - slopes[1]) < 2e-3 * scale else { continue }
                let difference = abs(slopes[1] - Double(gradients[index]))
                #expect(difference < 4e-3 * scale, "\(entry.name)[\(index - entry.range.lowerBound)]")
            }
        }
    }

    private struct Expected: Decodable {
        let loss: Double
        let gradients: [Double]
    }

    @Test(arguments: cases.filter { $0.testDescription != "dropout" })
    func `the gradients are PyTorch's`(_ example: Case) throws {
        let expected = try #require(
            try FixtureFile.decode([String: Expected].self, from: "Gradients/gradients.json")[example.testDescription])
        let network = try Network(inputShape: example.inputShape, chain: example.chain)
        let learner = try TrainableNetwork(network, maxBatchSize: 3, workers: WorkerPool(threadCount: 2))
        let images = Self.noise([3, network.inputShape.elementCount], seed: 77).scalars
        let loss = images.withUnsafeBufferPointer {
            $0.baseAddress.map { learner.gradients(images: $0, labels: [0, 2, 1], seed: nil).loss } ?? .nan
        }
        #expect(abs(loss - expected.loss) < 1e-6 * expected.loss)
        let found = learner.parameters.entries.flatMap { learner.parameters.gradients[$0.range] }
        try #require(found.count == expected.gradients.count)
        let largest = expected.gradients.map(abs).max() ?? 0
        let difference = zip(found, expected.gradients).map { abs(Double($0) - $1) }.max() ?? .nan
        #expect(difference < 5e-6 * largest)
    }

    @Test func `gradients do not depend on the number of threads`() throws {
        let example = Self.cases[6]
        let network = try Network(inputShape: example.inputShape, chain: example.chain)
        let images = Self.noise([5, example.inputShape.elementCount], seed: 3).scalars
        let found = try [1, 2, 3].map { threadCount in
            let learner = try TrainableNetwork(
                network, maxBatchSize: 5, workers: WorkerPool(threadCount: threadCount))
            images.withUnsafeBufferPointer {
                if let images = $0.baseAddress {
                    _ = learner.gradients(images: images, labels: [0, 1, 2, 0, 1], seed: 1)
                }
            }
            return Array(learner.parameters.gradients)
        }
        #expect(found[0] == found[1])
        #expect(found[0] == found[2])
    }

    @Test func `branches of one value add up their gradients`() throws {
        let network = try Network(
            inputShape: [2, 4, 4],
            nodes: [
                .init(name: "one", layer: Self.conv(2, 3, 3, padding: 1), inputs: [Network.input]),
                .init(name: "relu", layer: ReLU(), inputs: [0]),
                .init(name: "two", layer: Self.conv(3, 3, 3, padding: 1, seed: 4), inputs: [1]),
                .init(name: "three", layer: Self.conv(3, 3, 1, seed: 6), inputs: [1]),
                .init(name: "unread", layer: MaxPool2d(kernelSize: 2, stride: 2), inputs: [1]),
                .init(name: "sum", layer: Sum(), inputs: [2, 3]),
                .init(name: "relu2", layer: ReLU(), inputs: [5]),
                .init(name: "sum2", layer: Sum(), inputs: [6, 1]),
                .init(name: "flatten", layer: Flatten(), inputs: [7]),
                .init(name: "fc", layer: Self.linear(48, 3), inputs: [8]),
            ])
        try check(network)
    }

    /// The simplest layer that joins branches.
    private struct Sum: DifferentiableLayer {
        func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
        func callAsFunction(_ inputs: [Tensor]) -> Tensor {
            Tensor(inputs[0].shape, scalars: zip(inputs[0].scalars, inputs[1].scalars).map { $0 + $1 })
        }
        func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] { [] }
        func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
            Passes(count: site.output.elementCount)
        }

        struct Passes: DifferentiableOperation {
            let count: Int
            func forward(_ run: DifferentiableRun) {
                for index in 0..<count * run.batchSize {
                    run.output[index] = run.inputs[0][index] + run.inputs[1][index]
                }
            }
            func backward(_ run: DifferentiableRun) {
                for case let target? in run.inputGradients {
                    target.update(from: run.outputGradient, count: count * run.batchSize)
                }
            }
        }
    }

    @Test func `frozen layers have no gradients, and what is behind them none either`() throws {
        let example = Self.cases[2]
        let network = try Network(inputShape: example.inputShape, chain: example.chain)
        let learner = try TrainableNetwork(
            network, maxBatchSize: 1, frozen: ["one", "two"], workers: WorkerPool(threadCount: 1))
        let images = Self.noise([1, example.inputShape.elementCount], seed: 3).scalars
        images.withUnsafeBufferPointer {
            if let images = $0.baseAddress { _ = learner.gradients(images: images, labels: [1], seed: nil) }
        }
        for entry in learner.parameters.entries {
            let moves = learner.parameters.gradients[entry.range].contains { $0 != 0 }
            #expect(moves == entry.name.hasPrefix("fc"), "\(entry.name)")
        }
        #expect(learner.trainableRanges.map(\.lowerBound) == [learner.parameters["fc.weight"]?.range.lowerBound])
    }

    @Test func `an unknown layer is named, and so are those that exist`() throws {
        let network = try Network(inputShape: [7], chain: [("fc", Self.linear(7, 5))])
        #expect(throws: TrainingError.unknownLayers(names: ["fc8"], known: ["fc"])) {
            _ = try TrainableNetwork(network, maxBatchSize: 1, frozen: ["fc8"], workers: WorkerPool(threadCount: 1))
        }
        #expect(throws: TrainingError.nothingToLearn) {
            _ = try TrainableNetwork(network, maxBatchSize: 1, frozen: ["fc"], workers: WorkerPool(threadCount: 1))
        }
    }
}
