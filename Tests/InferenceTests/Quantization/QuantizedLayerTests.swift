import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Layers in 8-bit integers, to the bit", .timeLimit(.minutes(3)))
struct QuantizedLayerTests {
    private static let ranges: [ClosedRange<Float>] = [0...1, -1...1, -0.3...0.9]

    @Test(arguments: ConvolutionTests.cases, InstructionSet.allCases)
    func `a convolution is its integer sums on each instruction set`(_ geometry: [Int], instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        for (range, threadCount) in zip(Self.ranges, [1, 2, 5]) {
            var random = RandomValues(seed: UInt64(geometry.reduce(7) { $0 &* 31 &+ $1 }))
            let layer = Conv2d(
                weight: random.tensor([geometry[1], geometry[0] / geometry[7], geometry[4], geometry[4]]),
                bias: random.tensor([geometry[1]]), stride: Size2d(square: geometry[5]),
                padding: Size2d(square: geometry[6]), groups: geometry[7],
                inputQuantization: InputQuantization(range: range))
            let input = random.tensor([geometry[8], geometry[0], geometry[2], geometry[3]])
            let expected = layer(input)
            let workers = WorkerPool(threadCount: threadCount)
            for activation in [nil, Activation.relu] {
                let operations = layer.operations(
                    for: [[geometry[0], geometry[2], geometry[3]]], activation: activation, workers: workers)
                #expect(operations.last?.name == "int8")
                for operation in operations.flatMap({ [$0] + $0.variants(batchSize: geometry[8]) }) {
                    let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
                    #expect(
                        output == Self.activated(expected.scalars, activation),
                        "\(operation.name), \(range), \(threadCount) threads")
                }
            }
        }
    }

    private static func activated(_ values: [Float], _ activation: Activation?) -> [Float] {
        activation == nil ? values : values.map { $0 < 0 ? 0 : $0 }
    }

    @Test(arguments: InstructionSet.allCases)
    func `a convolution adds a second input, as it is or rounded to bytes`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        var random = RandomValues(seed: 8)
        let workers = WorkerPool(threadCount: 2)
        for (channels, outputs, size) in [(8, 16, 1), (5, 7, 1), (12, 40, 1), (9, 7, 3), (32, 48, 3)] {
            for addend in [nil, InputQuantization(range: 0...1), InputQuantization(range: -0.7...0.5)] {
                let layer = SummedConv2d(
                    Conv2d(
                        weight: random.tensor([outputs, channels, size, size]), bias: random.tensor([outputs]),
                        padding: Size2d(square: size / 2), inputQuantization: InputQuantization(range: -1...1),
                        addendQuantization: addend))
                let inputs = [random.tensor([3, channels, 9, 6]), random.tensor([3, outputs, 9, 6])]
                let expected = layer(inputs)
                let operations = layer.operations(
                    for: [[channels, 9, 6], [outputs, 9, 6]], activation: .relu, workers: workers)
                #expect(operations.count == (channels == 32 ? 2 : 1), "Winograd's, where it is worth its transforms")
                for operation in operations {
                    let output = run(operation, on: inputs, outputShape: expected.shape, workers: workers)
                    #expect(output == expected.scalars.map { max($0, 0) }, "\(operation.name), \(size)×\(size)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `a linear layer is its integer sums for every count of images`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let workers = WorkerPool(threadCount: 3)
        for batchSize in Array(1...14) + [24, 25, 33] {
            for features in [[1, 1], [7, 5], [33, 32], [257, 33], [600, 150]] {
                var random = RandomValues(seed: UInt64(batchSize * 1000 + features[0]))
                let layer = Linear(
                    weight: random.tensor([features[1], features[0]]), bias: random.tensor([features[1]])
                )
                .quantizingInput(InputQuantization(range: Self.ranges[batchSize % 3]))
                let input = random.tensor([batchSize, features[0]])
                let expected = layer(input)
                for activation in [nil, Activation.relu] {
                    let operation = layer.operations(for: [[features[0]]], activation: activation, workers: workers)[0]
                    let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
                    #expect(
                        output == Self.activated(expected.scalars, activation), "\(batchSize) images, \(features)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `the largest products of the longest sum neither saturate nor overflow`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let depth = ByteMatrix.maxDepth
        let workers = WorkerPool(threadCount: 1)
        for (sign, range) in [(Float(1), Float(0)...255), (-1, 0...255), (1, -255...0), (-1, -255...0)] {
            let layer = Linear(
                weight: Tensor([1, depth], scalars: [Float](repeating: sign * 127, count: depth)),
                bias: Tensor([1], scalars: [0])
            ).quantizingInput(InputQuantization(range: range))
            let value = range.upperBound == 0 ? range.lowerBound : range.upperBound
            let input = Tensor([1, depth], scalars: [Float](repeating: value, count: depth))
            let operation = layer.operations(for: [[depth]], activation: nil, workers: workers)[0]
            let output = run(operation, on: input, outputShape: [1, 1], workers: workers)
            #expect(output == [sign * value * 127 * Float(depth)])
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `inputs are rounded to nearest, ties to even, and clamped`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let values: [Float] = [
            0, 0.5, 1.5, 2.5, 0.49, 254.5, 255, 256, 1e30, .infinity, -0.5, -1, -1e30, -.infinity, .nan,
        ]
        let expected: [Float] = [0, 0, 2, 2, 0, 254, 255, 255, 255, 255, 0, 0, 0, 0, 0]
        let layer = Linear(weight: Tensor([1, 1], scalars: [127]), bias: Tensor([1], scalars: [0]))
            .quantizingInput(InputQuantization(range: 0...255))
        let operation = layer.operations(for: [[1]], activation: nil, workers: WorkerPool(threadCount: 1))[0]
        let output = run(
            operation, on: Tensor([values.count, 1], scalars: values), outputShape: [values.count, 1],
            workers: WorkerPool(threadCount: 1))
        #expect(output == expected.map { $0 * 127 })
    }

    @Test func `a range includes zero, and its bytes stand for its ends`() {
        #expect(InputQuantization(range: 0...255) == InputQuantization(range: 3...255))
        #expect(InputQuantization(range: 0...255).scale == 1)
        #expect(InputQuantization(range: -255...0).zeroPoint == 255)
        #expect(InputQuantization(range: -1...1).zeroPoint == 128)
        #expect(InputQuantization(range: 0...0).scale == 1)
        #expect(InputQuantization(range: 0 ... .leastNonzeroMagnitude).scale == 1)
        #expect(InputQuantization(range: -.greatestFiniteMagnitude ... .greatestFiniteMagnitude).scale.isFinite)
    }

    @Test func `a row of zeros and a row of tiny values stay finite`() {
        let weight = Tensor([3, 2], scalars: [0, 0, 0x1p-147, -0x1p-147, 0x1p-126, 0x1p-127])
        let layer = Linear(weight: weight, bias: Tensor([3], scalars: [1, 2, 3]))
            .quantizingInput(InputQuantization(range: 0...1))
        let output = layer(Tensor([1, 2], scalars: [1, 1])).scalars
        #expect(largestDifference(output, [1, 2, 3]) < 1e-6)
    }

    @Test(arguments: [(1, 1), (15, 3), (16, 64), (17, 65), (50, 130)])
    func `weights packed some rows at a time, by several threads, are those packed at once`(outputs: Int, depth: Int) {
        var random = RandomValues(seed: 5)
        let weight = random.tensor([outputs, depth])
        let bias = random.tensor([outputs])
        let input = InputQuantization(range: -1...1)
        let parts = bias.withUnsafeScalars { bias in
            ByteMatrix(
                outputs: outputs, depth: depth, bias: bias, input: input, workers: WorkerPool(threadCount: 3)
            ) { rows, pack in
                weight.withUnsafeScalars { values in
                    let rows = Array(values[rows.lowerBound * depth..<rows.upperBound * depth])
                    rows.withUnsafeBufferPointer { if let start = $0.baseAddress { pack(start) } }
                }
            }
        }
        let whole = weight.withUnsafeScalars { values in
            bias.withUnsafeScalars { bias in
                values.baseAddress.map {
                    ByteMatrix($0, outputs: outputs, depth: depth, bias: bias, input: input)
                }
            }
        }
        #expect(parts.unpacked().scalars == whole?.unpacked().scalars)
        for output in 0..<outputs { #expect(parts.rescaled(7, output: output) == whole?.rescaled(7, output: output)) }
    }

    @Test func `the bound of a sum is that of the worst input, and infinite for weights that are not finite`() {
        func bound(_ weights: [Float]) -> Double {
            Conv2d(weight: Tensor([1, weights.count, 1, 1], scalars: weights), bias: nil).largestByteSum
        }
        for count in [1, 7, 8, 9, 17] {
            var random = RandomValues(seed: UInt64(count))
            let weights = (0..<count).map { _ in random.next() }
            let scale = weights.reduce(0) { max($0, abs($1)) } / 127
            let numbers = weights.map { Double(($0 / scale).rounded(.toNearestOrEven)) }
            let worst = 255 * max(numbers.filter { $0 > 0 }.reduce(0, +), -numbers.filter { $0 < 0 }.reduce(0, +))
            #expect(bound(weights) >= worst)
            #expect(bound(weights) <= worst + 255 * Double(count))
        }
        #expect(bound([0, 0]) == 0)
        for value in [Float.nan, .infinity, -.infinity] {
            for place in [0, 8] {
                var weights = [Float](repeating: 1, count: 9)
                weights[place] = value
                #expect(bound(weights) == .infinity)
            }
        }
    }
}
