import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Batch normalisation folded into convolutions")
struct NetworkFoldingTests {
    private static func convolution(_ inputs: Int, _ outputs: Int, groups: Int = 1) -> Conv2d {
        var random = RandomValues(seed: UInt64(inputs * 31 + outputs))
        return Conv2d(
            weight: random.tensor([outputs, inputs / groups, 3, 3]), bias: random.tensor([outputs]), padding: 1,
            groups: groups)
    }

    private static func normalization(_ channels: Int) -> BatchNorm2d {
        var random = RandomValues(seed: UInt64(channels) + 5)
        return BatchNorm2d(
            weight: random.tensor([channels]), bias: random.tensor([channels]), runningMean: random.tensor([channels]),
            runningVariance: Tensor([channels], scalars: random.tensor([channels]).scalars.map { $0 * $0 + 0.1 }),
            epsilon: 1e-3)
    }

    /// A residual block whose first normalisation stands behind the network's input, and whose second convolution also feeds
    /// the sum.
    private func network() throws -> Network {
        try Network(
            inputShape: [4, 5, 6],
            nodes: [
                .init(name: "bn0", layer: Self.normalization(4), inputs: [Network.input]),
                .init(name: "conv1", layer: Self.convolution(4, 6), inputs: [0]),
                .init(name: "bn1", layer: Self.normalization(6), inputs: [1]),
                .init(name: "relu1", layer: ReLU(), inputs: [2]),
                .init(name: "conv2", layer: Self.convolution(6, 6, groups: 2), inputs: [3]),
                .init(name: "bn2", layer: Self.normalization(6), inputs: [4]),
                .init(name: "add", layer: Add(), inputs: [5, 2, 4]),
                .init(name: "relu2", layer: ReLU(), inputs: [6]),
            ])
    }

    @Test(
        "A convolution computes the normalisation that alone reads it; others stay, and what was learned is still counted"
    )
    func nodes() throws {
        let network = try network()
        let folded = network.foldingNormalizations()
        #expect(folded.nodes.map(\.name) == ["bn0", "conv1", "relu1", "conv2", "bn2", "add", "relu2"])
        #expect(folded.nodes.map(\.inputs) == [[-1], [0], [1], [2], [3], [4, 1, 3], [5]])
        #expect(folded.shapes == [[4, 5, 6]] + Array(repeating: [6, 5, 6], count: 6))
        // 4·6·9 + 6 and 3·6·9 + 6 of the convolutions, 2·4 and twice 2·6 of the normalisations.
        #expect(network.parameterCount == 216 + 6 + 162 + 6 + 8 + 24)
        #expect(folded.parameterCount == network.parameterCount)
    }

    @Test("The folded network answers what the network does, by its loops and by its operations")
    func values() throws {
        let network = try network()
        let folded = network.foldingNormalizations()
        var random = RandomValues(seed: 9)
        let input = random.tensor([2, 4, 5, 6])
        let expected = network(input)
        #expect(largestDifference(folded(input).scalars, expected.scalars) < 2e-5)
        for threadCount in [1, 3] {
            let engine = Engine(network: folded, workers: WorkerPool(threadCount: threadCount))
            let outputs = engine(input.slices.map(\.channelsLast))
            for (output, image) in zip(outputs, expected.slices) {
                #expect(largestDifference(output, image.channelsLast.scalars) < 2e-5)
            }
        }
    }

    @Test(
        "A channel by hand: weight 3, γ 4, β 1, mean 0.5, variance 3.75 and ε 0.25 make weight 6, bias 1 + (2 − 0.5)·2")
    func byHand() throws {
        let convolution = Conv2d(weight: Tensor([1, 1, 1, 1], scalars: [3]), bias: Tensor([1], scalars: [2]))
        let normalization = BatchNorm2d(
            weight: Tensor([1], scalars: [4]), bias: Tensor([1], scalars: [1]),
            runningMean: Tensor([1], scalars: [0.5]),
            runningVariance: Tensor([1], scalars: [3.75]), epsilon: 0.25)
        let folded = convolution.folding(normalization)
        #expect(folded.weight.scalars == [6])
        #expect(folded.bias.scalars == [4])
        #expect(normalization(Tensor([1, 1, 1, 1], scalars: [2])).scalars == [4])
    }

    @Test("A normalisation refuses other channels than its own")
    func shapes() {
        #expect(throws: ShapeError.self) { try Self.normalization(3).outputShape(for: [4, 2, 2] as Shape) }
        #expect(throws: ShapeError.self) { try Add().outputShape(for: [[4, 2, 2]]) }
        #expect(throws: ShapeError.self) { try Add().outputShape(for: [[4, 2, 2], [4, 2, 3]]) }
        #expect(throws: ShapeError.self) { try Concat().outputShape(for: [[4, 2, 2], [4, 2, 3]]) }
        #expect(throws: ShapeError.self) {
            try AvgPool2d(kernelSize: 3, stride: 1).outputShape(for: [1, 2, 9] as Shape)
        }
    }
}
