import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Sums computed by convolutions")
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

    @Test("A pointwise convolution takes the sum behind it along; larger ones and those that are read twice do not")
    func nodes() throws {
        let fused = try network().fusingSums()
        #expect(
            fused.nodes.map(\.name)
                == ["around", "first", "second", "relu1", "third", "add2", "fourth", "twice", "add4"])
        #expect(fused.nodes.map(\.inputs) == [[-1], [-1], [1, 0], [2], [3], [3, 4], [5, 5], [6], [7, 7]])
        #expect(try fused.parameterCount == network().parameterCount)
    }

    @Test("The network answers the same, by its loops and by its operations", arguments: InstructionSet.allCases)
    func values(_ instructions: InstructionSet) throws {
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

    @Test("What is added has the output's shape")
    func shapes() {
        let layer = SummedConv2d(Self.convolution(3, 4))
        #expect(throws: ShapeError.self) { try layer.outputShape(for: [[3, 2, 2]]) }
        #expect(throws: ShapeError.self) { try layer.outputShape(for: [[3, 2, 2], [3, 2, 2]]) }
        #expect(layer.multiplyAddCount(for: [[3, 2, 2], [4, 2, 2]]) == 48)
    }
}
