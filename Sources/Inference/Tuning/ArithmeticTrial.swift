import Files
import Host
import Threads

/// A self-test of the inner loops on this CPU: computes small layers and compares the results with the naive loops.
public enum ArithmeticTrial {
    /// The largest difference between the naive loop and any algorithm with this instruction set, relative to the
    /// layer's largest output. Infinity if a result is NaN.
    ///
    /// While it runs, the whole process is limited to this instruction set, so nothing else should compute at the same
    /// time.
    public static func largestDifference(with instructions: InstructionSet) -> Float {
        let previous = InstructionSet.current
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: previous) }
        // Two threads, so that the borders between their shares are tested. No size is a multiple of a vector's length.
        let workers = WorkerPool(threadCount: 2)
        var values = Values()
        var layers: [(layer: any UnaryLayer, input: Shape)] = [
            (Conv2d(weight: values.tensor([26, 5, 3, 3]), bias: values.tensor([26]), padding: 1), [3, 5, 13, 11]),
            (Conv2d(weight: values.tensor([6, 3, 5, 5]), bias: values.tensor([6]), padding: 2), [2, 3, 9, 9]),
            (Conv2d(weight: values.tensor([9, 3, 11, 11]), bias: values.tensor([9]), stride: 4), [2, 3, 31, 27]),
        ]
        for element in PackedWeights.Element.allCases {
            let weight = PackedWeights(values.tensor([37, 203]), as: element, workers: workers)
            layers.append((Linear(weight: .packed(weight), bias: values.tensor([37])), [17, 203]))
        }
        return layers.reduce(0) { largest, trial in
            let input = values.tensor(trial.input)
            let expected = trial.layer(input)
            let algorithms = trial.layer.algorithms(
                for: [Shape(Array(trial.input.extents.dropFirst()))], activation: nil)
            return algorithms.reduce(largest) { largest, algorithm in
                let found = algorithm.make(workers).values(
                    on: input, outputShape: expected.shape, workers: workers)
                return max(largest, difference(found, expected.scalars))
            }
        }
    }

    /// The largest difference between two arrays, relative to the second array's largest value if that is above 1.
    /// Infinity for NaN.
    ///
    /// Winograd's transforms mix large and small outputs of a tile. Errors are therefore relative to the tile, not to
    /// the single value.
    static func difference(_ found: [Float], _ expected: [Float]) -> Float {
        guard found.count == expected.count else { return .infinity }
        let scale = expected.reduce(1) { max($0, abs($1)) }
        return zip(found, expected).reduce(0) { largest, pair in
            let difference = abs(pair.0 - pair.1) / scale
            return difference.isNaN ? .infinity : max(largest, difference)
        }
    }

    /// Pseudorandom numbers in −1…1, the same in every run.
    private struct Values {
        private var state: UInt32 = 1

        mutating func tensor(_ shape: Shape) -> Tensor {
            Tensor(
                shape,
                scalars: (0..<shape.elementCount).map { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return Float(state >> 8) * 0x1p-23 - 1
                })
        }
    }
}

extension Operation {
    /// Runs the operation alone, on an arena whose output and scratch memory are NaN at first.
    ///
    /// Shape: input and output `[N, C, H, W]` or `[N, F]`. The operation itself works on channels-last memory.
    func values(on input: Tensor, outputShape: Shape, workers: WorkerPool) -> [Float] {
        values(on: [input], outputShape: outputShape, workers: workers)
    }

    /// Runs an operation that joins several inputs.
    func values(on inputs: [Tensor], outputShape: Shape, workers: WorkerPool) -> [Float] {
        let inputCount = inputs.reduce(0) { $0 + $1.shape.elementCount }
        let outputCount = outputShape.elementCount
        let batchSize = inputs[0].shape[0]
        let scratchStride = scratchByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
        let arena = AlignedBuffer(
            byteCount: (inputCount + outputCount + scratchStride * workers.threadCount)
                * MemoryLayout<Float>.stride)
        let memory = arena.bytes.bindMemory(to: Float.self)
        memory.initialize(repeating: .nan)
        var inputOffsets: [Int] = []
        var end = 0
        for input in inputs {
            inputOffsets.append(end)
            let place = UnsafeMutableBufferPointer(rebasing: memory[end...])
            end += place.update(fromContentsOf: input.scalars.channelsInnermost(shape: input.shape))
        }
        guard let base = memory.baseAddress else { return [] }
        run(
            OperationRun(
                batchSize: batchSize, inputOffsets: inputOffsets, outputOffset: inputCount,
                scratchOffset: inputCount + outputCount, scratchStride: scratchStride, memory: base, workers: workers,
                threadCount: workers.threadCount))
        let output = Array(memory[inputCount..<inputCount + outputCount])
        guard outputShape.rank == 4 else { return output }
        // The same transposition with channels and pixels exchanged is its inverse.
        return output.channelsInnermost(shape: [outputShape[0], outputShape[2] * outputShape[3], outputShape[1], 1])
    }
}

extension [Float] {
    /// Converts `[N, C, H, W]` to `[N, H, W, C]`; other shapes stay as they are.
    func channelsInnermost(shape: Shape) -> [Float] {
        guard shape.rank == 4 else { return self }
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        return indices.map { index in
            let (image, pixel, channel) = (index / (channels * pixels), index / channels % pixels, index % channels)
            return self[(image * channels + channel) * pixels + pixel]
        }
    }
}
