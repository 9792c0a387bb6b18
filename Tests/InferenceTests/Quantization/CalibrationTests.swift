import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Calibrated networks", .timeLimit(.minutes(3)))
struct CalibrationTests {
    /// A residual network with everything that is computed in 8-bit integers, and with every kind of layer between.
    private static func network() throws -> Network {
        var random = RandomValues(seed: 21)
        var builder = NetworkBuilder(inputShape: [3, 21, 19])
        func convolution(_ outputs: Int, _ inputs: Int, _ size: Int, stride: Int = 1) -> Conv2d {
            Conv2d(
                weight: random.tensor([outputs, inputs, size, size]), bias: random.tensor([outputs]),
                stride: Size2d(square: stride), padding: Size2d(square: size / 2))
        }
        try builder.add("first", convolution(16, 3, 5, stride: 2))
        try builder.add("relu1", ReLU())
        let pool = try builder.add("pool", MaxPool2d(kernelSize: 2, stride: 2))
        try builder.add("second", convolution(24, 16, 3))
        try builder.add("relu2", ReLU())
        let third = try builder.add("third", convolution(16, 24, 1))
        try builder.add("sum", Add(), from: [third, pool])
        try builder.add("relu3", ReLU())
        try builder.add("average", AdaptiveAvgPool2d(outputSize: 2))
        try builder.add("flatten", Flatten())
        try builder.add("linear", Linear(weight: random.tensor([70, 64]), bias: random.tensor([70])))
        try builder.add("relu4", ReLU())
        try builder.add("output", Linear(weight: random.tensor([10, 70]), bias: random.tensor([10])))
        return builder.network().fusingSums()
    }

    private static func images(_ count: Int) -> [Tensor] {
        var random = RandomValues(seed: 6)
        return (0..<count).map { _ in random.tensor([3, 21, 19]) }
    }

    private static func quantized(_ network: Network) -> Network {
        var calibration = Calibration(network, workers: WorkerPool(threadCount: 2))
        for image in images(20) { calibration.observe(image.channelsLast) }
        return calibration.quantized()
    }

    @Test(arguments: [1, 7, 32], [1, 2])
    func `logits are equal to the bit on all instruction sets`(batchSize: Int, threadCount: Int) throws {
        defer { InstructionSet.limit(to: .widest) }
        let network = Self.quantized(try Self.network())
        let images = Self.images(batchSize)
        let expected = images.map { network($0.reshaped(to: [1, 3, 21, 19])).scalars }
        for instructions in InstructionSet.allCases {
            InstructionSet.limit(to: instructions)
            let engine = Engine(network: network, workers: WorkerPool(threadCount: threadCount))
            #expect(engine(images.map(\.channelsLast)) == expected, "\(instructions)")
        }
    }

    @Test func `every convolution and linear layer is computed in bytes, near its values in float32`() throws {
        let network = try Self.network()
        let quantized = Self.quantized(network)
        for node in quantized.nodes where node.layer is any QuantizableLayer {
            let names = node.layer.algorithms(for: quantized.inputShapes(of: node), activation: nil).map(\.name)
            #expect(names.allSatisfy { $0.hasPrefix("int8") }, "\(node.name): \(names)")
        }
        for image in Self.images(20) {
            let batch = image.reshaped(to: [1, 3, 21, 19])
            let (expected, found) = (network(batch).scalars, quantized(batch).scalars)
            let largest = expected.map(abs).max() ?? 0
            #expect(largestDifference(found, expected) < 0.03 * largest)
        }
    }

    /// Two residual blocks, the second with a projection, and branches that are concatenated, one of them behind a pool.
    private static func branches() throws -> Network {
        var random = RandomValues(seed: 5)
        var builder = NetworkBuilder(inputShape: [3, 21, 19])
        func add(_ name: String, _ outputs: Int, _ inputs: Int, _ size: Int, from source: Int? = nil) throws -> Int {
            let layer = Conv2d(
                weight: random.tensor([outputs, inputs, size, size]), bias: random.tensor([outputs]),
                padding: Size2d(square: size / 2))
            return try source.map { try builder.add(name, layer, from: [$0]) } ?? builder.add(name, layer)
        }
        func rectify(_ name: String) throws -> Int { try builder.add("relu of " + name, ReLU()) }
        _ = try add("first", 8, 3, 3)
        let first = try rectify("first")
        _ = try add("second", 8, 8, 3)
        _ = try rectify("second")
        let third = try add("third", 8, 8, 3)
        try builder.add("sum 1", Add(), from: [third, first])
        let block = try rectify("sum 1")
        let projection = try add("projection", 12, 8, 1)
        _ = try add("fourth", 8, 8, 1, from: block)
        _ = try rectify("fourth")
        let fifth = try add("fifth", 12, 8, 1)
        try builder.add("sum 2", Add(), from: [fifth, projection])
        let end = try rectify("sum 2")
        _ = try add("one", 6, 12, 1, from: end)
        let one = try rectify("one")
        let pool = try builder.add("pool", MaxPool2d(kernelSize: 3, stride: 1, padding: 1), from: [end])
        _ = try add("pooled", 6, 12, 1, from: pool)
        let pooled = try rectify("pooled")
        try builder.add("joined", Concat(), from: [one, pooled])
        _ = try add("last", 4, 12, 3)
        try builder.add("average", AdaptiveAvgPool2d(outputSize: 1))
        return builder.network().fusingSums()
    }

    @Test func `whoever reads a value shares its range, so that it is stored in bytes`() throws {
        let network = Self.quantized(try Self.branches())
        func layer(_ name: String) throws -> any Layer {
            try #require(network.nodes.first { $0.name == name }).layer
        }
        #expect(try layer("second").inputQuantization == layer("third").addendQuantization)
        #expect(try layer("projection").inputQuantization == layer("fourth").inputQuantization)
        #expect(try layer("one").inputQuantization == layer("pooled").inputQuantization)
        // What a projection writes has negative values.
        #expect(try #require(layer("fifth").addendQuantization).zeroPoint > 0)
        #expect(try #require(layer("third").addendQuantization).zeroPoint == 0)
        let graph = StageGraph(network)
        let formats = graph.formats(of: network)
        let plain = graph.stages.filter { formats[$0.output] == .float32 }.map { network.nodes[$0.node].name }
        #expect(plain == ["last", "average"])
        let original = try Self.branches()
        for image in Self.images(5) {
            let batch = image.reshaped(to: [1, 3, 21, 19])
            let (expected, found) = (original(batch).scalars, network(batch).scalars)
            #expect(largestDifference(found, expected) < 0.03 * (expected.map(abs).max() ?? 0))
        }
    }

    @Test func `a shortcut whose bytes would be too coarse is added in float32`() throws {
        for (outlier, isInBytes) in [(Float(1), true), (300, false)] {
            var random = RandomValues(seed: 9)
            var builder = NetworkBuilder(inputShape: [1, 64, 64])
            let first = try builder.add("first", Conv2d(weight: random.tensor([4, 1, 1, 1]), bias: nil))
            let second = try builder.add("second", Conv2d(weight: random.tensor([4, 4, 1, 1]), bias: nil))
            try builder.add("sum", Add(), from: [second, first])
            let network = builder.network()
            var calibration = Calibration(network, workers: WorkerPool(threadCount: 1))
            // Few enough to be worth their range: clipping them would cost more than coarse steps.
            for _ in 0..<4 {
                let values = random.tensor([1, 64, 64]).scalars.enumerated().map {
                    $0.offset % 500 == 0 ? outlier : $0.element
                }
                calibration.observe(Tensor([64, 64, 1], scalars: values))
            }
            let layer = try #require(calibration.quantized().nodes.last).layer
            #expect(layer.inputQuantization != nil)
            #expect((layer.addendQuantization != nil) == isInBytes, "\(outlier)")
        }
    }

    @Test func `a layer that was not observed stays as it is`() throws {
        let network = try Self.network()
        let quantized = Calibration(network, workers: WorkerPool(threadCount: 1)).quantized()
        let batch = Self.images(1)[0].reshaped(to: [1, 3, 21, 19])
        #expect(quantized(batch).scalars == network(batch).scalars)
    }

    @Test func `a layer whose sums could overflow stays as it is`() throws {
        for (depth, name) in [(ByteMatrix.maxDepth, "int8"), (ByteMatrix.maxDepth + 1, "float32")] {
            var random = RandomValues(seed: 2)
            let network = try Network(
                inputShape: [depth],
                chain: [("linear", Linear(weight: random.tensor([2, depth]), bias: random.tensor([2])))])
            var calibration = Calibration(network, workers: WorkerPool(threadCount: 1))
            calibration.observe(random.tensor([depth]))
            let node = calibration.quantized().nodes[0]
            #expect(node.layer.algorithms(for: [[depth]], activation: nil).map(\.name) == [name])
        }
    }

    @Test func `a rare large value is clipped where that makes the others finer`() {
        var range = ObservedRange()
        var random = RandomValues(seed: 4)
        for _ in 0..<120 {
            Array((0..<1024).map { _ in abs(random.next()) }).withUnsafeBufferPointer { range.add($0) }
        }
        #expect(range.best.lowerBound == 0)
        let whole = range.best.upperBound
        #expect(whole > 0.94 && whole <= 1)
        [Float(1.25)].withUnsafeBufferPointer { range.add($0) }
        #expect(range.best.upperBound < 1.25)
        #expect(range.best.upperBound >= whole)
    }
}
