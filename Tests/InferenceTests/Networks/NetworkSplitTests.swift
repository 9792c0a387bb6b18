import ModelTestSupport
import TestSupport
import Testing

@testable import Inference

@Suite("Cutting a network in two")
struct NetworkSplitTests {
    private func linear(_ inputs: Int, _ outputs: Int) -> Linear {
        var random = RandomValues(seed: 1)
        return Linear(weight: random.tensor([outputs, inputs]), bias: random.tensor([outputs]))
    }

    private func isLinear(_ node: Network.Node, _ input: Shape) -> Bool { node.layer is Linear }

    @Test("A chain is cut before the first linear layer, and both parts together answer the same")
    func chain() throws {
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

    @Test("Where there is no linear layer, or nothing before it, or two values go across, there is no cut")
    func noCut() throws {
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

    @Test("A value that is read twice goes across once, and a cut within a residual block is none")
    func residual() throws {
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

    @Test("Branches that meet are cut where one value feeds them all, in whatever order they stand")
    func branches() throws {
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
