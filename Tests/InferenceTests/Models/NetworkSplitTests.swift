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
                .init(name: "linear", layer: linear(8, 5), inputs: [0]),
                .init(name: "late", layer: ReLU(), inputs: [0]),
            ])
        #expect(crossing.split(beforeFirst: isLinear) == nil)
    }
}
