import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads
@testable import Inference

@Suite("Batch normalisation folded into convolutions", .timeLimit(.minutes(2)))
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

    @Test
    func
        `a normalisation is folded into the convolution that feeds it alone; others stay, and all parameters are still counted`()
        throws
    {
        let network = try network()
        let folded = network.foldingNormalizations()
        #expect(folded.nodes.map(\.name) == ["bn0", "conv1", "relu1", "conv2", "bn2", "add", "relu2"])
        #expect(folded.nodes.map(\.inputs) == [[-1], [0], [1], [2], [3], [4, 1, 3], [5]])
        #expect(folded.shapes == [[4, 5, 6]] + Array(repeating: [6, 5, 6], count: 6))
        // 4·6·9 + 6 and 3·6·9 + 6 of the convolutions, 2·4 and twice 2·6 of the normalisations.
        #expect(network.parameterCount == 216 + 6 + 162 + 6 + 8 + 24)
        #expect(folded.parameterCount == network.parameterCount)
    }

    @Test func `the folded network answers what the network does, by its loops and by its operations`() throws {
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

    @Test
    func
        `a channel by hand: weight 3, γ 4, β 1, mean 0.5, variance 3.75 and ε 0.25 make weight 6, bias 1 + (2 − 0.5)·2`()
        throws
    {
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

    @Test func `a normalisation refuses other channels than its own`() {
        #expect(throws: ShapeError.self) { try Self.normalization(3).outputShape(for: [4, 2, 2] as Shape) }
        #expect(throws: ShapeError.self) { try Add().outputShape(for: [[4, 2, 2]]) }
        #expect(throws: ShapeError.self) { try Add().outputShape(for: [[4, 2, 2], [4, 2, 3]]) }
        #expect(throws: ShapeError.self) { try Concat().outputShape(for: [[4, 2, 2], [4, 2, 3]]) }
        #expect(throws: ShapeError.self) {
            try AvgPool2d(kernelSize: 3, stride: 1).outputShape(for: [1, 2, 9] as Shape)
        }
    }
}

@Suite("Cutting a network in two", .timeLimit(.minutes(2)))
struct NetworkSplitTests {
    private func linear(_ inputs: Int, _ outputs: Int) -> Linear {
        var random = RandomValues(seed: 1)
        return Linear(weight: random.tensor([outputs, inputs]), bias: random.tensor([outputs]))
    }

    private func isLinear(_ node: Network.Node, _ input: Shape) -> Bool { node.layer is Linear }

    @Test func `a chain is cut before the first linear layer, and both parts together answer the same`() throws {
        let network = try Network(
            inputShape: [2, 4, 4],
            chain: [
                ("pool", MaxPool2d(kernelSize: 2, stride: 2)), ("flatten", Flatten()), ("first", linear(8, 5)),
                ("relu", ReLU()), ("second", linear(5, 3)),
            ])
        let (head, tail) = try #require(network.split(beforeFirst: isLinear))
        #expect(head.nodes.map(\.name) == ["pool", "flatten"])
        #expect(tail.nodes.map(\.name) == ["first", "relu", "second"])
        #expect(tail.inputShape == [8])
        var random = RandomValues(seed: 2)
        let input = random.tensor([3, 2, 4, 4])
        #expect(tail(head(input)).scalars == network(input).scalars)
    }

    @Test func `where there is no linear layer, or nothing before it, or two values go across, there is no cut`() throws
    {
        #expect(
            try Network(inputShape: [2, 4, 4], chain: [("flatten", Flatten())]).split(beforeFirst: isLinear) == nil)
        #expect(try Network(inputShape: [8], chain: [("linear", linear(8, 5))]).split(beforeFirst: isLinear) == nil)
        let crossing = try Network(
            inputShape: [8],
            nodes: [
                .init(name: "relu", layer: ReLU(), inputs: [Network.input]),
                .init(name: "linear", layer: linear(8, 8), inputs: [0]),
                .init(name: "sum", layer: Add(), inputs: [1, Network.input]),
            ])
        #expect(crossing.split(beforeFirst: isLinear) == nil)
    }

    @Test func `a value that is read twice goes across once, and a cut within a residual block is none`() throws {
        let network = try Network(
            inputShape: [8],
            nodes: [
                .init(name: "first", layer: ReLU(), inputs: [Network.input]),
                .init(name: "linear", layer: linear(8, 8), inputs: [0]),
                .init(name: "second", layer: linear(8, 8), inputs: [1]),
                .init(name: "sum", layer: Add(), inputs: [2, 0]),
                .init(name: "relu", layer: ReLU(), inputs: [3]),
            ])
        let (head, tail) = try #require(network.split(beforeFirst: isLinear))
        #expect(head.nodes.map(\.name) == ["first"])
        #expect(tail.nodes.map(\.inputs) == [[Network.input], [0], [1, Network.input], [2]])
        #expect((1..<5).map { network.split(before: $0) != nil } == [true, false, false, true])
        var random = RandomValues(seed: 3)
        let input = random.tensor([2, 8])
        #expect(tail(head(input)).scalars == network(input).scalars)
    }

    @Test func `branches that meet are cut where one value feeds them all, in whatever order they stand`() throws {
        let network = try Network(
            inputShape: [2, 3, 3],
            nodes: [
                .init(name: "pool", layer: MaxPool2d(kernelSize: 2, stride: 1), inputs: [Network.input]),
                .init(name: "left", layer: ReLU(), inputs: [0]),
                .init(name: "right", layer: Tanh(), inputs: [0]),
                .init(name: "concat", layer: Concat(), inputs: [1, 2]),
                .init(name: "flatten", layer: Flatten(), inputs: [3]),
            ])
        #expect((1..<5).map { network.split(before: $0) != nil } == [true, false, false, true])
        // The condition is asked about the shape of the node's own input.
        var asked: [Shape] = []
        _ = network.split {
            asked.append($1); return $0.name == "nowhere"
        }
        #expect(asked == [[2, 2, 2], [2, 2, 2], [4, 2, 2]])
    }
}

@Suite("Sums fused into convolutions", .timeLimit(.minutes(2)))
struct NetworkSumsTests {
    private static func convolution(_ inputs: Int, _ outputs: Int, kernelSize: Int = 1, stride: Int = 1) -> Conv2d {
        var random = RandomValues(seed: UInt64(inputs * 31 + outputs + kernelSize))
        return Conv2d(
            weight: random.tensor([outputs, inputs, kernelSize, kernelSize]), bias: random.tensor([outputs]),
            stride: Size2d(square: stride), padding: Size2d(square: kernelSize / 2))
    }

    /// Two residual blocks: the first has the convolution as its sum's first input, the second ends with a kernel of 3×3.
    private func network() throws -> Network {
        try Network(
            inputShape: [5, 6, 7],
            nodes: [
                .init(name: "around", layer: Self.convolution(5, 20, stride: 2), inputs: [Network.input]),
                .init(name: "first", layer: Self.convolution(5, 9, kernelSize: 3, stride: 2), inputs: [Network.input]),
                .init(name: "second", layer: Self.convolution(9, 20), inputs: [1]),
                .init(name: "add1", layer: Add(), inputs: [2, 0]),
                .init(name: "relu1", layer: ReLU(), inputs: [3]),
                .init(name: "third", layer: Self.convolution(20, 20, kernelSize: 3), inputs: [4]),
                .init(name: "add2", layer: Add(), inputs: [4, 5]),
                .init(name: "fourth", layer: Self.convolution(20, 20), inputs: [6]),
                .init(name: "add3", layer: Add(), inputs: [6, 7]),
                .init(name: "twice", layer: Self.convolution(20, 20), inputs: [8]),
                .init(name: "add4", layer: Add(), inputs: [9, 9]),
            ])
    }

    @Test
    func `a pointwise convolution is fused with the sum behind it; larger ones and those that are read twice are not`()
        throws
    {
        let fused = try network().fusingSums()
        #expect(
            fused.nodes.map(\.name)
                == ["around", "first", "second", "relu1", "third", "add2", "fourth", "twice", "add4"])
        #expect(fused.nodes.map(\.inputs) == [[-1], [-1], [1, 0], [2], [3], [3, 4], [5, 5], [6], [7, 7]])
        #expect(try fused.parameterCount == network().parameterCount)
    }

    @Test(arguments: InstructionSet.allCases)
    func `the network answers the same, by its loops and by its operations`(_ instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let network = try network()
        let fused = network.fusingSums()
        var random = RandomValues(seed: 4)
        let input = random.tensor([3, 5, 6, 7])
        let expected = network(input)
        let largest = expected.scalars.map(abs).max() ?? 0
        #expect(largestDifference(fused(input).scalars, expected.scalars) < 1e-5 * largest)
        for threadCount in [1, 2] {
            let outputs = Engine(network: fused, workers: WorkerPool(threadCount: threadCount))(
                input.slices.map(\.channelsLast))
            for (output, image) in zip(outputs, expected.slices) {
                #expect(largestDifference(output, image.channelsLast.scalars) < 1e-5 * largest)
            }
        }
    }

    @Test func `what is added has the output's shape`() {
        let layer = SummedConv2d(Self.convolution(3, 4))
        #expect(throws: ShapeError.self) { try layer.outputShape(for: [[3, 2, 2]]) }
        #expect(throws: ShapeError.self) { try layer.outputShape(for: [[3, 2, 2], [3, 2, 2]]) }
        #expect(layer.multiplyAddCount(for: [[3, 2, 2], [4, 2, 2]]) == 48)
    }
}
