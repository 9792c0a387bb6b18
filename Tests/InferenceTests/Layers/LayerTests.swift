import Testing
import Threads

@testable import Inference

@Suite("Every layer, against PyTorch")
struct LayerTests {
    @Test("The fixture holds layers of every kind")
    func fixtureIsComplete() {
        let kinds = Set(LayerFixture.layers.map(\.operation))
        #expect(
            kinds == [
                "conv2d", "linear", "maxPool2d", "averagePool2d", "adaptiveAveragePool2d", "localResponseNorm",
                "batchNorm2d", "add", "concat", "tanh", "sigmoid",
            ])
    }

    @Test("The textbook loop answers what PyTorch does", arguments: LayerFixture.layers)
    func textbookLoop(_ fixture: LayerFixture) throws {
        let layer = try #require(fixture.layer)
        let output = layer(fixture.inputs)
        #expect(output.shape == Shape(fixture.output.shape))
        #expect(largestDifference(output.scalars, fixture.output.values) < 1e-5)
    }

    @Test("Every operation answers what PyTorch does", arguments: LayerFixture.layers)
    func operations(_ fixture: LayerFixture) throws {
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

    @Test("An activation that rides on a layer equals one that follows it", arguments: LayerFixture.layers)
    func fusedActivation(_ fixture: LayerFixture) throws {
        let layer = try #require(fixture.layer)
        guard layer.fusesActivation else { return }
        let workers = WorkerPool(threadCount: 2)
        for operation in layer.operations(for: fixture.inputShapes, activation: .relu, workers: workers) {
            let output = run(operation, on: fixture.inputs, outputShape: Shape(fixture.output.shape), workers: workers)
            let expected = fixture.output.values.map { max($0, 0) }
            #expect(largestDifference(output, expected) < 1e-5, "\(operation.name)")
        }
    }

    @Test("A layer refuses what it cannot take, and says what it can")
    func shapeErrors() {
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

    @Test("A rectifier of its own keeps NaN, as PyTorch does")
    func rectifier() {
        let input = Tensor([1, 4], scalars: [-1, 0, 2.5, .nan])
        for output in [
            ReLU()(input).scalars,
            run(ElementwiseReLU(elementCount: 4), on: input, outputShape: [1, 4], workers: WorkerPool(threadCount: 1)),
        ] {
            #expect(output[..<3] == [0, 0, 2.5])
            #expect(output[3].isNaN)
        }
    }

    @Test("Flattening keeps the order of channels, rows and columns")
    func flatten() throws {
        let input = Tensor([2, 2, 1, 2], scalars: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Flatten()(input).shape == [2, 4])
        #expect(Flatten()(input).scalars == input.scalars)
        #expect(try Flatten().outputShape(for: [2, 1, 2] as Shape) == [4])
    }
}
