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
