import Host
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Winograd in integers, to the bit", .timeLimit(.minutes(3)))
struct QuantizedWinogradTests {
    private struct Case {
        let layer: Conv2d
        let activation: Activation?
        /// The algorithm, whatever its cost; nil where it would not be exact.
        let algorithm: Algorithm?

        init(layer: Conv2d, input: Shape, activation: Activation?) throws {
            self.layer = layer
            self.activation = activation
            let geometry = ConvolutionGeometry(
                layer: layer, input: input, output: try layer.outputShape(for: input))
            let quantization = try #require(layer.inputQuantization)
            algorithm = QuantizedWinogradConvolution.algorithm(layer: layer, geometry: geometry) {
                ByteWindows(layer: layer, input: quantization, geometry: geometry, activation: activation)
            }
        }

        /// Whether every block size gives the sums of the definition.
        func isExact(on batch: Tensor, workers: WorkerPool) -> Bool {
            let expected = layer(batch)
            guard let operation = algorithm?.make(workers) else { return false }
            return ([operation] + operation.variants(batchSize: batch.shape[0])).allSatisfy {
                run($0, on: batch, outputShape: expected.shape, workers: workers)
                    == expected.scalars.map { activation != nil && $0 < 0 ? 0 : $0 }
            }
        }
    }

    private static func layer(
        _ outputs: Int, _ inputs: Int, kernel: Size2d, padding: Int = 0, groups: Int = 1,
        range: ClosedRange<Float> = -0.3...0.9
    ) -> Conv2d {
        var random = RandomValues(seed: UInt64(outputs * 1000 + inputs))
        return Conv2d(
            weight: random.tensor([outputs, inputs / groups, kernel.height, kernel.width]),
            bias: random.tensor([outputs]), padding: Size2d(square: padding), groups: groups,
            inputQuantization: InputQuantization(range: range))
    }

    /// Every remainder of tiles, with and without padding, for every division of a kernel into parts.
    @Test(arguments: 1...7, InstructionSet.allCases)
    func `every extent of output and kernel`(kernel: Int, instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let workers = WorkerPool(threadCount: 2)
        for padding in [0, kernel / 2, kernel] {
            for extent in 1...11 where extent + 2 * padding >= kernel {
                var random = RandomValues(seed: UInt64(extent))
                let width = extent + kernel % 3
                let item = try Case(
                    layer: Self.layer(5, 3, kernel: Size2d(square: kernel), padding: padding),
                    input: [3, extent, width], activation: extent.isMultiple(of: 2) ? .relu : nil)
                #expect(
                    item.isExact(on: random.tensor([2, 3, extent, width]), workers: workers),
                    "\(extent)×\(width), padding \(padding)")
            }
        }
    }

    @Test(arguments: InstructionSet.allCases)
    func `every count of channels, groups and threads`(instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        for (inputs, outputs, groups) in [
            (1, 1, 1), (2, 16, 1), (16, 17, 1), (31, 64, 1), (32, 65, 1), (33, 100, 1), (66, 130, 2), (9, 6, 3),
        ] {
            for (threadCount, batchSize) in [(1, 1), (2, 1), (5, 2), (2, 9)] {
                var random = RandomValues(seed: UInt64(inputs))
                let item = try Case(
                    layer: Self.layer(outputs, inputs, kernel: 3, padding: 1, groups: groups), input: [inputs, 9, 7],
                    activation: .relu)
                #expect(
                    item.isExact(
                        on: random.tensor([batchSize, inputs, 9, 7]), workers: WorkerPool(threadCount: threadCount)),
                    "\(inputs) to \(outputs), \(groups) groups, \(threadCount) threads, \(batchSize) images")
            }
        }
    }

    @Test func `kernels that are not square`() throws {
        for kernel in [Size2d(height: 1, width: 7), Size2d(height: 5, width: 3), Size2d(height: 2, width: 4)] {
            var random = RandomValues(seed: 3)
            let item = try Case(
                layer: Self.layer(7, 6, kernel: kernel, padding: 1), input: [6, 12, 13], activation: nil)
            #expect(item.isExact(on: random.tensor([3, 6, 12, 13]), workers: WorkerPool(threadCount: 2)), "\(kernel)")
        }
    }

    /// The largest numbers in every pattern of signs, up to nearly the largest sum that the output transform can tell.
    @Test(arguments: InstructionSet.allCases)
    func `the largest numbers`(instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let workers = WorkerPool(threadCount: 1)
        let inputs = Self.mostInputs
        for (pattern, range) in [(1, Float(0)...255), (1, -255...0), (2, 0...255), (3, -128...127), (5, 0...255)] {
            for sign in [Float(127), -127] {
                func signed(_ index: Int, _ period: Int) -> Float { index % period < (period + 1) / 2 ? 1 : -1 }
                let item = try Case(
                    layer: Conv2d(
                        weight: Tensor(
                            [2, inputs, 3, 3], scalars: (0..<2 * inputs * 9).map { sign * signed($0, pattern) }),
                        bias: nil, padding: 1, inputQuantization: InputQuantization(range: range)),
                    input: [inputs, 6, 9], activation: nil)
                let ends = [range.lowerBound, range.upperBound]
                let values = (0..<inputs * 54).map { ends[signed($0, pattern) > 0 ? 1 : 0] }
                #expect(
                    item.isExact(on: Tensor([1, inputs, 6, 9], scalars: values), workers: workers),
                    "\(pattern), \(sign), \(range)")
            }
        }
    }

    /// With more input channels, a sum of 3×3 weights that all are the largest could be too large.
    private static let mostInputs = 114

    @Test func `where a sum could be too large, only the definition computes it`() throws {
        for (inputs, isExact) in [(Self.mostInputs, true), (Self.mostInputs + 1, false)] {
            let layer = Conv2d(
                weight: Tensor([1, inputs, 3, 3]) { $0.initialize(repeating: 1) }, bias: nil, padding: 1,
                inputQuantization: InputQuantization(range: 0...1))
            let item = try Case(layer: layer, input: [inputs, 12, 12], activation: nil)
            #expect((item.algorithm != nil) == isExact)
        }
        for value in [Float.nan, .infinity, -.infinity] {
            let layer = Conv2d(
                weight: Tensor([1, 1, 3, 3], scalars: [1, 1, value, 1, 1, 1, 1, 1, 1]), bias: nil,
                inputQuantization: InputQuantization(range: 0...1))
            #expect(try Case(layer: layer, input: [1, 9, 9], activation: nil).algorithm == nil)
        }
        // Weights of both signs, few of them large, sum to much less.
        var random = RandomValues(seed: 1)
        let layer = Conv2d(
            weight: Tensor([32, 512, 3, 3], scalars: random.tensor([32 * 512 * 9]).scalars.map { $0 * $0 * $0 }),
            bias: nil, padding: 1, inputQuantization: InputQuantization(range: 0...1))
        let item = try Case(layer: layer, input: [512, 6, 6], activation: nil)
        #expect(item.isExact(on: random.tensor([1, 512, 6, 6]), workers: WorkerPool(threadCount: 2)))
    }

    @Test(arguments: InstructionSet.allCases)
    func `strides, by phases`(instructions: InstructionSet) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        for (channels, kernel, stride, padding, groups) in [
            (3, 11, 4, 2, 1), (3, 7, 2, 3, 1), (5, 3, 2, 1, 1), (4, 5, 3, 0, 2), (2, 2, 2, 1, 1), (1, 9, 2, 4, 1),
            (3, 3, 5, 4, 1), (17, 4, 2, 0, 1),
        ] {
            for extent in [11, 19, 30] {
                var random = RandomValues(seed: UInt64(extent))
                let layer = Conv2d(
                    weight: random.tensor([6, channels / groups, kernel, kernel]), bias: random.tensor([6]),
                    stride: Size2d(square: stride), padding: Size2d(square: padding), groups: groups,
                    inputQuantization: InputQuantization(range: -0.3...0.9))
                let item = try Case(layer: layer, input: [channels, extent, extent + 2], activation: .relu)
                #expect(
                    item.isExact(
                        on: random.tensor([2, channels, extent, extent + 2]), workers: WorkerPool(threadCount: 2)),
                    "\(channels) channels, kernel \(kernel), stride \(stride), padding \(padding), \(extent)")
            }
        }
    }

    @Test func `strides that differ by axis have no tiles`() throws {
        let layer = Conv2d(
            weight: Tensor([16, 16, 3, 3]) { $0.initialize(repeating: 1) }, bias: nil,
            stride: Size2d(height: 1, width: 2), inputQuantization: InputQuantization(range: 0...1))
        #expect(try Case(layer: layer, input: [16, 13, 13], activation: nil).algorithm == nil)
    }

    /// Products of bytes in tile registers are so fast that it never does with AMX.
    @Test func `it is offered where it saves time`() throws {
        InstructionSet.limit(to: .avx512)
        defer { InstructionSet.limit(to: .widest) }
        func names(_ layer: Conv2d, _ input: Shape) throws -> [String] {
            try layer.algorithms(for: input, output: layer.outputShape(for: input), activation: .relu).map(\.name)
        }
        #expect(try names(Self.layer(96, 96, kernel: 3, padding: 1), [96, 13, 13]) == ["int8-winograd", "int8"])
        #expect(try names(Self.layer(192, 64, kernel: 5, padding: 2), [64, 27, 27]) == ["int8-winograd", "int8"])
        let first = Conv2d(
            weight: Tensor([64, 3, 11, 11]) { $0.initialize(repeating: 1) }, bias: nil, stride: 4, padding: 2,
            inputQuantization: InputQuantization(range: 0...1))
        #expect(try names(first, [3, 224, 224]) == ["int8-winograd", "int8"])
        #expect(try names(Self.layer(64, 64, kernel: 1), [64, 13, 13]) == ["int8"])
        #expect(try names(Self.layer(8, 1, kernel: 3), [1, 28, 28]) == ["int8"])
    }
}
