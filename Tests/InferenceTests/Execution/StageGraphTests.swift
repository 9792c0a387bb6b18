import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Values between layers", .timeLimit(.minutes(3)))
struct StageGraphTests {
    private static let input = InputQuantization(range: 0...2)

    /// A convolution that quantizes its input.
    private static func convolution(
        _ outputs: Int, _ inputs: Int, _ size: Int, groups: Int = 1, input: InputQuantization = input,
        random: inout RandomValues
    ) -> Conv2d {
        Conv2d(
            weight: random.tensor([outputs, inputs / groups, size, size]), bias: random.tensor([outputs]),
            padding: Size2d(square: size / 2), groups: groups, inputQuantization: input)
    }

    private static func linear(
        _ outputs: Int, _ inputs: Int, input: InputQuantization = input, random: inout RandomValues
    ) -> Linear {
        Linear(weight: random.tensor([outputs, inputs]), bias: random.tensor([outputs])).quantizingInput(input)
    }

    /// The formats of the stored values, by the names of the layers that write them.
    private static func formats(_ network: Network) -> [String: ValueFormat] {
        let graph = StageGraph(network)
        let formats = graph.formats(of: network)
        return Dictionary(
            graph.stages.map { (network.nodes[$0.node].name, formats[$0.output]) },
            uniquingKeysWith: { first, _ in first })
    }

    @Test func `bytes pass what only moves or compares them, and end where a layer computes in float32`() throws {
        var random = RandomValues(seed: 1)
        let other = InputQuantization(range: -1...3)
        let network = try Network(
            inputShape: [3, 9, 9],
            chain: [
                ("first", Self.convolution(8, 3, 3, random: &random)), ("relu", ReLU()),
                ("pool", MaxPool2d(kernelSize: 3, stride: 2)),
                ("second", Self.convolution(6, 8, 3, input: other, random: &random)),
                ("norm", LocalResponseNorm(size: 3)),
                ("third", Self.convolution(5, 6, 1, random: &random)),
                ("last pool", MaxPool2d(kernelSize: 2, stride: 2)), ("flatten", Flatten()),
                ("linear", Self.linear(7, 20, input: other, random: &random)),
                ("output", Self.linear(4, 7, random: &random)),
            ])
        #expect(
            Self.formats(network) == [
                "first": .bytes(other), "pool": .bytes(other), "second": .float32, "norm": .float32,
                "third": .bytes(other), "last pool": .bytes(other), "flatten": .bytes(other),
                "linear": .bytes(Self.input), "output": .float32,
            ])
    }

    @Test func `a value is stored in bytes only if all of its readers want the same`() throws {
        var random = RandomValues(seed: 2)
        let other = InputQuantization(range: 0...1)
        func network(_ second: InputQuantization, sums: Bool) throws -> Network {
            var builder = NetworkBuilder(inputShape: [3, 4, 4])
            let first = try builder.add("first", Self.convolution(8, 3, 3, random: &random))
            let left = try builder.add("left", Self.convolution(8, 8, 1, random: &random), from: [first])
            let right = try builder.add(
                "right", Self.convolution(8, 8, 3, input: second, random: &random), from: [first])
            try builder.add("sum", Add(), from: sums ? [left, right, first] : [left, right])
            return builder.network()
        }
        #expect(Self.formats(try network(Self.input, sums: false))["first"] == .bytes(Self.input))
        #expect(Self.formats(try network(other, sums: false))["first"] == .float32)
        #expect(Self.formats(try network(Self.input, sums: true))["first"] == .float32)
    }

    @Test func `a network in float32 has no bytes`() throws {
        var random = RandomValues(seed: 3)
        let network = try Network(
            inputShape: [3, 9, 9],
            chain: [
                ("pool", MaxPool2d(kernelSize: 3, stride: 2)), ("flatten", Flatten()),
                ("linear", Linear(weight: random.tensor([7, 48]), bias: random.tensor([7]))),
            ])
        #expect(StageGraph(network).formats(of: network).allSatisfy { $0 == .float32 })
    }

    /// Sizes that are multiples of nothing, sections of every kind, and inputs with a zero point.
    @Test(arguments: InstructionSet.allCases, [1, 3])
    func `bytes between layers give the bits that float32 gives`(
        _ instructions: InstructionSet, threadCount: Int
    ) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        var random = RandomValues(seed: 4)
        let signed = InputQuantization(range: -2...3)
        let network = try Network(
            inputShape: [3, 25, 23],
            chain: [
                ("first", Self.convolution(70, 3, 5, input: signed, random: &random)), ("relu", ReLU()),
                ("pool", MaxPool2d(kernelSize: 3, stride: 2)),
                ("second", Self.convolution(66, 70, 3, groups: 2, random: &random)),
                ("pool2", MaxPool2d(kernelSize: 2, stride: 2, padding: 1)),
                ("third", Self.convolution(33, 66, 1, input: signed, random: &random)), ("relu3", ReLU()),
                ("pool3", MaxPool2d(kernelSize: 3, stride: 3)), ("flatten", Flatten()),
                ("linear", Self.linear(37, 33 * 2 * 2, random: &random)), ("relu4", ReLU()),
                ("output", Self.linear(4, 37, input: signed, random: &random)),
            ])
        let engine = Engine(network: network, workers: WorkerPool(threadCount: threadCount))
        for batchSize in [1, 9] {
            let images = (0..<batchSize).map { _ in random.tensor([3, 25, 23]) }
            let expected = images.map { network($0.reshaped(to: [1, 3, 25, 23])).scalars }
            #expect(engine(images.map(\.channelsLast)) == expected)
        }
    }
}
