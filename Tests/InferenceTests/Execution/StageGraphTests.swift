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

    /// A block with a shortcut and its sum, and one whose four branches are concatenated; everything reads bytes.
    private static func branches(last: InputQuantization = input, addend: InputQuantization?) throws -> Network {
        var random = RandomValues(seed: 6)
        var builder = NetworkBuilder(inputShape: [3, 11, 9])
        func convolution(_ outputs: Int, _ inputs: Int, _ size: Int, reading input: InputQuantization = input) -> Conv2d
        {
            Conv2d(
                weight: random.tensor([outputs, inputs, size, size]), bias: random.tensor([outputs]),
                padding: Size2d(square: size / 2), inputQuantization: input, addendQuantization: addend)
        }
        func add(_ name: String, _ layer: any Layer, from inputs: [Int]? = nil) throws -> Int {
            _ = try inputs.map { try builder.add(name, layer, from: $0) } ?? builder.add(name, layer)
            return try builder.add("relu of " + name, ReLU())
        }
        let first = try add("first", convolution(8, 3, 3))
        _ = try add("second", convolution(8, 8, 1))
        let third = try builder.add("third", convolution(8, 8, 3))
        let block = try add("sum", Add(), from: [third, first])
        let one = try add("one", convolution(5, 8, 1), from: [block])
        let three = try add("three", convolution(21, 8, 3), from: [block])
        let pool = try builder.add("pool", MaxPool2d(kernelSize: 3, stride: 1, padding: 1), from: [block])
        let pooled = try add("pooled", convolution(16, 8, 1), from: [pool])
        let joined = try builder.add("joined", Concat(), from: [one, three, pooled])
        try builder.add("pool 2", MaxPool2d(kernelSize: 3, stride: 2), from: [joined])
        try builder.add("last", convolution(4, 42, 3, reading: last))
        return builder.network().fusingSums()
    }

    @Test func `a block's sum and what is concatenated are bytes if all of their readers agree`() throws {
        let found = Self.formats(try Self.branches(addend: Self.input))
        #expect(found.allSatisfy { $0.value == .bytes(Self.input) || $0.key == "last" }, "\(found)")
        #expect(found["last"] == .float32)
        // The shortcut is read by a sum in float32 as well.
        let mixed = Self.formats(try Self.branches(addend: nil))
        #expect(mixed.filter { $0.value == .float32 }.map(\.key).sorted() == ["first", "last"])
        let other = InputQuantization(range: -1...3)
        let converted = Self.formats(try Self.branches(last: other, addend: Self.input))
        for name in ["one", "three", "pooled", "joined", "pool 2"] {
            #expect(converted[name] == .bytes(other), "\(name)")
        }
    }

    @Test func `a concatenation of which one part is float32 is float32 altogether`() throws {
        var random = RandomValues(seed: 7)
        var builder = NetworkBuilder(inputShape: [3, 4, 4])
        let bytes = try builder.add("bytes", Self.convolution(8, 3, 1, random: &random), from: [Network.input])
        let plain = try builder.add(
            "plain", Conv2d(weight: random.tensor([8, 3, 1, 1]), bias: nil), from: [Network.input])
        try builder.add("joined", Concat(), from: [bytes, plain])
        try builder.add("last", Self.convolution(8, 16, 1, random: &random))
        let network = builder.network()
        #expect(Self.formats(network).allSatisfy { $0.value == .float32 })
        let image = random.tensor([3, 4, 4])
        let engine = Engine(network: network, workers: WorkerPool(threadCount: 1))
        #expect(
            largestDifference(
                engine([image.channelsLast])[0],
                network(image.reshaped(to: [1, 3, 4, 4])).slices[0].channelsLast.scalars) < 0.05)
    }

    @Test(arguments: InstructionSet.allCases, [1, 3])
    func `shortcuts and branches in bytes give the bits of the layers' loops`(
        _ instructions: InstructionSet, threadCount: Int
    ) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        for addend in [nil, Self.input, InputQuantization(range: -1...2)] {
            let network = try Self.branches(addend: addend)
            let engine = Engine(network: network, workers: WorkerPool(threadCount: threadCount))
            var random = RandomValues(seed: 8)
            let images = (0..<9).map { _ in random.tensor([3, 11, 9]) }
            let expected = images.map { network($0.reshaped(to: [1, 3, 11, 9])).slices[0].channelsLast.scalars }
            #expect(engine(images.map(\.channelsLast)) == expected)
        }
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
