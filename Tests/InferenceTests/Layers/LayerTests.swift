import Testing
import Threads
@testable import Inference

@Suite("Every layer, against PyTorch", .timeLimit(.minutes(2)))
struct LayerTests {
    @Test func `the fixture holds layers of every kind`() {
        let kinds = Set(LayerFixture.layers.map(\.operation))
        #expect(
            kinds == [
                "conv2d", "linear", "maxPool2d", "averagePool2d", "adaptiveAveragePool2d", "localResponseNorm",
                "batchNorm2d", "add", "concat", "tanh", "sigmoid",
            ])
    }

    @Test(arguments: LayerFixture.layers)
    func `the textbook loop answers what PyTorch does`(_ fixture: LayerFixture) throws {
        let layer = try #require(fixture.layer)
        let output = layer(fixture.inputs)
        #expect(output.shape == Shape(fixture.output.shape))
        #expect(largestDifference(output.scalars, fixture.output.values) < 1e-5)
    }

    @Test(arguments: LayerFixture.layers)
    func `every operation answers what PyTorch does`(_ fixture: LayerFixture) throws {
        let layer = try #require(fixture.layer)
        for threadCount in [1, 3] {
            let workers = WorkerPool(threadCount: threadCount)
            let candidates = layer.operations(for: fixture.inputShapes, activation: nil, workers: workers)
            #expect(!candidates.isEmpty)
            for operation in candidates {
                let output = run(
                    operation, on: fixture.inputs, outputShape: Shape(fixture.output.shape), workers: workers)
                #expect(largestDifference(output, fixture.output.values) < 1e-5, "\(operation.name)")
            }
        }
    }

    @Test(arguments: LayerFixture.layers)
    func `a fused activation equals one that follows the layer`(_ fixture: LayerFixture) throws {
        let layer = try #require(fixture.layer)
        guard layer.fusesActivation else { return }
        let workers = WorkerPool(threadCount: 2)
        for operation in layer.operations(for: fixture.inputShapes, activation: .relu, workers: workers) {
            let output = run(operation, on: fixture.inputs, outputShape: Shape(fixture.output.shape), workers: workers)
            let expected = fixture.output.values.map { max($0, 0) }
            #expect(largestDifference(output, expected) < 1e-5, "\(operation.name)")
        }
    }

    @Test func `a layer refuses what it cannot take, and says what it can`() {
        let convolution = Conv2d(
            weight: Tensor([2, 3, 5, 5], scalars: Array(repeating: 0, count: 150)), bias: Tensor([2], scalars: [0, 0]))
        #expect(throws: ShapeError.self) { try convolution.outputShape(for: [4, 8, 8] as Shape) }
        #expect(throws: ShapeError.self) { try convolution.outputShape(for: [3, 4, 8] as Shape) }
        let error = #expect(throws: ShapeError.self) { try convolution.outputShape(for: [75] as Shape) }
        #expect(
            error?.description
                == "Conv2d(3, 2, kernelSize: 5×5) was given [75]; it takes [3, H, W] with room for its kernel.")
        #expect(throws: ShapeError.self) {
            try MaxPool2d(kernelSize: 3, stride: 2).outputShape(for: [1, 2, 9] as Shape)
        }
        #expect(throws: ShapeError.self) { try LocalResponseNorm().outputShape(for: [9] as Shape) }
        #expect(throws: ShapeError.self) { try ReLU().outputShape(for: [[9], [9]] as [Shape]) }
    }

    @Test func `a ReLU that is not fused keeps NaN, as PyTorch does`() {
        let input = Tensor([1, 4], scalars: [-1, 0, 2.5, .nan])
        for output in [
            ReLU()(input).scalars,
            run(ReLUOperation(elementCount: 4), on: input, outputShape: [1, 4], workers: WorkerPool(threadCount: 1)),
        ] {
            #expect(output[..<3] == [0, 0, 2.5])
            #expect(output[3].isNaN)
        }
    }

    @Test func `flattening keeps the order of channels, rows and columns`() throws {
        let input = Tensor([2, 2, 1, 2], scalars: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Flatten()(input).shape == [2, 4])
        #expect(Flatten()(input).scalars == input.scalars)
        #expect(try Flatten().outputShape(for: [2, 1, 2] as Shape) == [4])
    }
}

@Suite("Multiply-adds of a layer", .timeLimit(.minutes(2)))
struct MultiplyAddTests {
    @Test func `a convolution takes a product for each weight at each position, of its own group only`() {
        // The paper's second layer: 223.9 million, as published for Caffe's AlexNet.
        let layer = Conv2d(
            weight: Tensor([256, 48, 5, 5]) { $0.initialize(repeating: 0) },
            bias: Tensor([256]) { $0.initialize(repeating: 0) }, padding: 2, groups: 2)
        #expect(layer.multiplyAddCount(for: [[96, 27, 27]]) == 223_948_800)
    }

    @Test func `a linear layer takes one for each weight, however it holds them`() {
        let layer = Linear(
            weight: Tensor([3, 5]) { $0.initialize(repeating: 0) }, bias: Tensor([3]) { $0.initialize(repeating: 0) })
        #expect(layer.multiplyAddCount(for: [[5]]) == 15)
    }

    @Test func `layers without weights take none`() {
        #expect(ReLU().multiplyAddCount(for: [[3, 4, 4]]) == 0)
        #expect(MaxPool2d(kernelSize: 3, stride: 2).multiplyAddCount(for: [[3, 9, 9]]) == 0)
    }
}
