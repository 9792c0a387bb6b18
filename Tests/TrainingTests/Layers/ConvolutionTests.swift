import CKernels
import Files
import Host
import Inference
import Testing
import Threads

@testable import Training

/// The ways to the gradients of a convolution's kernels, one against the other.
@Suite(.timeLimit(.minutes(2))) struct ConvolutionWeightGradientTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let inputs: Int
        let outputs: Int
        let height: Int
        let width: Int
        let kernel: Int
        var stride = 1
        var padding = 0
        var groups = 1

        var testDescription: String {
            "\(inputs) to \(outputs) channels of \(height)×\(width), kernel \(kernel), stride \(stride), padding \(padding), "
                + "\(groups) groups"
        }
    }

    static let cases = [
        Case(inputs: 5, outputs: 7, height: 13, width: 11, kernel: 3, padding: 1),
        Case(inputs: 20, outputs: 33, height: 9, width: 14, kernel: 3),
        Case(inputs: 16, outputs: 16, height: 10, width: 10, kernel: 4, padding: 2),
        Case(inputs: 6, outputs: 18, height: 12, width: 13, kernel: 5, padding: 2),
        Case(inputs: 8, outputs: 12, height: 9, width: 9, kernel: 3, padding: 1, groups: 2),
        Case(inputs: 3, outputs: 17, height: 39, width: 35, kernel: 11, stride: 4, padding: 2),
        Case(inputs: 4, outputs: 6, height: 21, width: 24, kernel: 7, stride: 2, padding: 3, groups: 2),
    ]

    private static func noise(_ count: Int, seed: Int) -> [Float] {
        (0..<count).map { Float((($0 + seed * 7919) &* 2_654_435_761) & 0xFFFF) / 32_768 - 1 }
    }

    /// The gradients of the weights, and of the biases.
    private func gradients(
        _ example: Case, _ layer: Conv2d, _ shape: ConvolutionShape, batchSize: Int,
        by make: (Parameters) -> any ConvolutionWeightGradient
    ) throws -> [Float] {
        let parameters = Parameters([("c.weight", layer.weight.shape), ("c.bias", layer.bias.shape)])
        let gradient = make(parameters)
        let workers = WorkerPool(threadCount: 2)
        let input = Self.noise(batchSize * shape.input.elementCount, seed: 3)
        var outputGradient = Self.noise(batchSize * shape.output.elementCount, seed: 5)
        let scratchStride = ArenaLayout.align(byteCount: gradient.scratchByteCount(batchSize: batchSize))
        let sharedCount = ArenaLayout.align(byteCount: gradient.sharedByteCount(batchSize: batchSize))
        let arena = AlignedBuffer(byteCount: (sharedCount + 2 * scratchStride) * MemoryLayout<Float>.stride)
        let memory = try #require(arena.bytes.bindMemory(to: Float.self).baseAddress)
        // Nothing may depend on what lay there before.
        memory.update(repeating: .nan, count: sharedCount + 2 * scratchStride)
        try input.withUnsafeBufferPointer { input in
            try outputGradient.withUnsafeMutableBufferPointer { outputGradient in
                let outputGradient = try #require(outputGradient.baseAddress)
                gradient.run(
                    DifferentiableRun(
                        batchSize: batchSize, seed: nil, inputs: [try #require(input.baseAddress)],
                        output: outputGradient, inputGradients: [nil], outputGradient: outputGradient, saved: memory,
                        shared: memory, scratch: memory + sharedCount, scratchStride: scratchStride,
                        workers: workers))
            }
        }
        return Array(parameters.gradients)
    }

    @Test(arguments: cases)
    func `every size of tile gives the gradients of the unfolded windows`(_ example: Case) throws {
        let layer = Conv2d(
            weight: Tensor(
                [example.outputs, example.inputs / example.groups, example.kernel, example.kernel],
                scalars: Self.noise(
                    example.outputs * example.inputs / example.groups * example.kernel * example.kernel, seed: 1)),
            bias: Tensor([example.outputs], scalars: Self.noise(example.outputs, seed: 2)),
            stride: Size2d(square: example.stride), padding: Size2d(square: example.padding), groups: example.groups)
        let input: Shape = [example.inputs, example.height, example.width]
        let shape = ConvolutionShape(layer, input: input, output: try layer.outputShape(for: input))
        for batchSize in [1, 5] {
            let expected = try gradients(example, layer, shape, batchSize: batchSize) {
                Im2ColWeightGradient(shape: shape, parameters: $0, weight: $0.entries[0], bias: $0.entries[1])
            }
            let largest = expected.map(abs).max() ?? 0
            let tilings = WinogradTiling.all(layer, input: shape.input, output: shape.output)
            #expect(!tilings.isEmpty)
            for tiling in tilings {
                for set in InstructionSet.allCases {
                    InstructionSet.limit(to: set)
                    defer { InstructionSet.limit(to: .widest) }
                    let found = try gradients(example, layer, shape, batchSize: batchSize) {
                        WinogradWeightGradient(
                            tiling: tiling, shape: shape, parameters: $0, weight: $0.entries[0], bias: $0.entries[1])
                    }
                    let difference = zip(found, expected).map { abs($0 - $1) }.max() ?? .nan
                    #expect(
                        difference <= 5e-5 * largest, "tiles of \(tiling.tile.outputExtent), \(set), batch \(batchSize)"
                    )
                }
            }
        }
    }
}
