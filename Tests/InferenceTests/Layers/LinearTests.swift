import Foundation
import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Linear layers, against the textbook loop", .timeLimit(.minutes(3)))
struct LinearTests {
    private let workers = WorkerPool(threadCount: 3)

    @Test(arguments: InstructionSet.allCases)
    func `each instruction set gives what the loop gives, for every count of images`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        for batchSize in Array(1...14) + [24, 25, 40] {
            for features in [[1, 1], [7, 5], [33, 32], [257, 33], [600, 70], [2050, 12]] {
                compare(batchSize, features)
            }
        }
    }

    private func compare(_ batchSize: Int, _ features: [Int]) {
        var random = RandomValues(seed: UInt64(batchSize * 1000 + features[0]))
        let weight = random.tensor([features[1], features[0]])
        let bias = random.tensor([features[1]])
        let input = random.tensor([batchSize, features[0]])
        for element in PackedWeights.Element.allCases {
            let packed = PackedWeights(weight, as: element, workers: workers)
            let layer = Linear(weight: .packed(packed), bias: bias)
            let expected = layer(input)
            for activation in [nil, Activation.relu] {
                let operation = layer.operations(for: [[features[0]]], activation: activation, workers: workers)[0]
                #expect(operation.name == element.rawValue)
                let output = run(operation, on: input, outputShape: expected.shape, workers: workers)
                #expect(
                    largestDifference(
                        output, activation == nil ? expected.scalars : expected.scalars.map { max($0, 0) })
                        < 2e-5,
                    "\(element), \(batchSize) images, \(features)")
                for variant in operation.variants(batchSize: batchSize) {
                    #expect(run(variant, on: input, outputShape: expected.shape, workers: workers) == output)
                }
            }
        }
    }

    @Test func `weights that are not packed are as they are`() {
        var random = RandomValues(seed: 4)
        let layer = Linear(weight: random.tensor([33, 70]), bias: random.tensor([33]))
        let input = random.tensor([2, 70])
        let operation = layer.operations(for: [[70]], activation: nil, workers: workers)[0]
        #expect(operation.name == "float32")
        let output = run(operation, on: input, outputShape: [2, 33], workers: workers)
        #expect(largestDifference(output, layer(input).scalars) < 2e-5)
    }

    @Test(arguments: InstructionSet.allCases)
    func `Int24 is the nearest multiple of a power of two, ties to even`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        // The largest value makes the scale 1.
        let row: [Float] = [
            4_194_304, 0.5, 1.5, 2.5, -0.5, -1.5, -255, -256, -257, 255, 256, 8_388_607, -8_388_607, 4_194_303.5,
            4_194_302.5, 0.49, 1e-30, 0,
        ]
        let expected: [Float] = [
            4_194_304, 0, 2, 2, 0, -2, -255, -256, -257, 255, 256, 8_388_607, -8_388_607, 4_194_304, 4_194_302, 0, 0,
            0,
        ]
        #expect(unpacked(row, as: .int24) == expected)
        #expect(unpacked(row.map { $0 * 0x1p-40 }, as: .int24) == expected.map { $0 * 0x1p-40 })
        // Half a step below the next power of two there is no number to round up to.
        #expect(unpacked([8_388_607.5, -8_388_607.5, 1], as: .int24) == [8_388_607, -8_388_607, 1])
    }

    @Test(arguments: InstructionSet.allCases)
    func `the relative error is that of the worst sixteenth of a row`(_ instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        var random = RandomValues(seed: 8)
        // Each row has a value that is larger than the others, the last one by most.
        let rows = (0..<70).map { row in [Float(row + 1)] + random.tensor([99]).scalars }
        let weight = Tensor([70, 100], scalars: rows.flatMap(\.self))
        for element in PackedWeights.Element.allCases {
            let packed = PackedWeights(weight, as: element, workers: workers)
            let found = packed.unpacked().scalars
            let errors = rows.indices.flatMap { row in
                (0..<16).map { part in
                    let places = stride(from: part, to: 100, by: 16)
                    let error = places.reduce(0) { sum, k in
                        sum + pow(Double(rows[row][k]) - Double(found[row * 100 + k]), 2)
                    }
                    return (error / places.reduce(0) { $0 + pow(Double(rows[row][$1]), 2) }).squareRoot()
                }
            }
            let expected = try #require(errors.max())
            #expect(abs(Double(packed.relativeError) - expected) <= 1e-4 * expected, "\(element)")
            #expect((expected == 0) == (element == .float32))
            let limit = packed.relativeError
            #expect(PackedWeights(weight, as: element, workers: workers, errorLimit: limit) != nil)
            if element != .float32 {
                #expect(PackedWeights(weight, as: element, workers: workers, errorLimit: limit.nextDown) == nil)
            }
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `Float16 is the nearest there is, ties to even`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        // 32768 in the row makes the scale 1.
        let ulp = Float(0x1p-10)
        let row: [Float] = [
            32768, 1 + ulp / 2, 1 + ulp * 3 / 2, 1 + ulp * 0.51, -(1 + ulp * 1.49), 65504, 0, -0.0, 0x1p-14, 0x1p-24,
            0x1p-25, 0x1.8p-25, 0x1.8p-24, 0x1.ffep-15, 0x1.fffp-15, 1e-30, 0.1,
        ]
        let expected: [Float] = [
            32768, 1, 1 + ulp * 2, 1 + ulp, -(1 + ulp), 65504, 0, -0.0, 0x1p-14, 0x1p-24, 0, 0x1p-24, 0x1p-23,
            0x1p-14, 0x1p-14, 0, 0.0999755859375,
        ]
        #expect(unpacked(row, as: .float16) == expected)
    }

    @Test func `every finite float16 comes back as it was`() {
        let values = (0...UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }.map(ScalarConversion.float(float16:))
        for row in [values, values.map { abs($0) < 1 ? $0 : 0 }, values.map { abs($0) < 0x1p-14 ? $0 : 0 }] {
            #expect(unpacked(row, as: .float16) == row)
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `Int8 is a multiple of a 127th of the row's largest, the nearest but for ties`(_ instructions: InstructionSet)
    {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        // The errors of the values rounded to nearest, ties to even, sum to 1: the first of those that miss most goes up.
        let row: [Float] = [0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 126.5, -127, 3.51, 0]
        #expect(unpacked(row, as: .int8) == [1, 2, 2, 0, -2, 0, 126, -127, 4, 0])
        #expect(unpacked(row.map { $0 * 4 }, as: .int8) == [4, 8, 8, 0, -8, 0, 504, -508, 16, 0])
        #expect(unpacked([127, 0.25, 0.25, 0.25], as: .int8) == [127, 1, 0, 0])
        #expect(unpacked([127, -0.25, -0.25, -0.25], as: .int8) == [127, -1, 0, 0])
    }

    @Test(arguments: InstructionSet.allCases)
    func `the errors of each sixteen int8 weights sum to half a step at most`(_ instructions: InstructionSet) {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        var random = RandomValues(seed: 11)
        for depth in [16, 40, 1000] {
            let row = [1] + random.tensor([depth - 1]).scalars
            let numbers = unpacked(row, as: .int8)
            for start in stride(from: 0, to: depth, by: 16) {
                let errors = (start..<min(start + 16, depth)).map { (row[$0] - numbers[$0]) * 127 }
                #expect(abs(errors.reduce(0, +)) <= 0.501)
                #expect(errors.allSatisfy { abs($0) < 1 })
            }
            #expect(numbers.allSatisfy { abs($0) <= 1 })
        }
    }

    @Test(
        arguments: PackedWeights.Element.allCases,
        [Float(1e-34), 1e-20, 1e-6, 65504, 65519, 65536, 1e9, 1e37])
    func `no finite weight is too large or too small`(_ element: PackedWeights.Element, scale: Float) {
        var random = RandomValues(seed: 6)
        let row = random.tensor([1, 100]).scalars.map { $0 * scale }
        let largest = row.map(abs).max() ?? 0
        let precisions: [PackedWeights.Element: Float] = [.int8: 0x1p-7, .float16: 0x1p-11, .int24: 0x1p-23]
        // Scales are normal numbers.
        let tolerance = max(largest * (precisions[element] ?? 0), element == .int24 ? 0x1p-127 : 0)
        for (value, original) in zip(unpacked(row, as: element), row) { #expect(abs(value - original) <= tolerance) }
    }

    @Test(arguments: PackedWeights.Element.allCases)
    func `rows of zeros, and of numbers too small to count, give the bias`(_ element: PackedWeights.Element) {
        #expect(unpacked([0, 0, 0], as: element) == [0, 0, 0])
        let tiny = Float.leastNonzeroMagnitude
        #expect(unpacked([tiny, -tiny, 0], as: element).allSatisfy { abs($0) <= tiny })
        let packed = PackedWeights(Tensor([2, 1], scalars: [0, tiny]), as: element, workers: workers)
        let layer = Linear(weight: .packed(packed), bias: Tensor([2], scalars: [3, -4]))
        let operation = layer.operations(for: [[1]], activation: nil, workers: workers)[0]
        #expect(
            run(operation, on: Tensor([1, 1], scalars: [5]), outputShape: [1, 2], workers: workers) == [3, -4])
    }

    @Test func `a packed layer counts its parameters and takes a quarter of the bytes, half, three quarters, or all`() {
        let weight = Tensor([64, 100], scalars: [Float](repeating: 1, count: 6400))
        for (element, byteCount) in [(PackedWeights.Element.int8, 1), (.float16, 2), (.int24, 3), (.float32, 4)] {
            let packed = PackedWeights(weight, as: element, workers: workers)
            #expect(packed.byteCount == 6400 * byteCount + 64 * 4)
            let layer = Linear(weight: .packed(packed), bias: Tensor([64], scalars: [Float](repeating: 0, count: 64)))
            #expect(layer.parameterCount == 6464)
            #expect(layer.parameters.map(\.shape) == [[64, 100], [64]])
        }
    }

    private func unpacked(_ row: [Float], as element: PackedWeights.Element) -> [Float] {
        // A neighbour with other values, and an odd number of rows.
        let weight = Tensor([3, row.count], scalars: row.map { $0 / 2 } + row + row.map { -$0 })
        let values = PackedWeights(weight, as: element, workers: workers).unpacked().scalars
        #expect(values[(2 * row.count)...].map { -$0 } == Array(values[row.count..<2 * row.count]))
        return Array(values[row.count..<2 * row.count])
    }
}
