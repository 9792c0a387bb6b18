@testable import Inference

extension Layer {
    /// Every way to compute the layer, made ready.
    func operations(for inputs: [Shape], activation: Activation?, workers: WorkerPool) -> [any Operation] {
        algorithms(for: inputs, activation: activation).map { $0.make(workers) }
    }
}

/// Runs one operation by itself, on an arena of its own whose output and scratch hold garbage at first.
///
/// Shape: input `[N, C, H, W]` or `[N, F]`, output likewise; the operation sees channels innermost.
func run(
    _ operation: any Operation, on input: Tensor, outputShape: Shape, workers: WorkerPool
) -> [Float] {
    let inputCount = input.shape.elementCount
    let outputCount = outputShape.elementCount
    let batchSize = input.shape[0]
    let sharedCount = operation.sharedByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
    let scratchStride = operation.scratchByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
    let arena = AlignedBuffer(
        byteCount: (inputCount + outputCount + sharedCount + scratchStride * workers.threadCount)
            * MemoryLayout<Float>.stride)
    let memory = arena.bytes.bindMemory(to: Float.self)
    memory.initialize(repeating: .nan)
    _ = memory.update(fromContentsOf: channelsInnermost(input.scalars, shape: input.shape))
    guard let base = memory.baseAddress else { return [] }
    operation.run(
        OperationRun(
            batchSize: batchSize, inputOffsets: [0], outputOffset: inputCount,
            sharedOffset: inputCount + outputCount,
            scratchOffset: inputCount + outputCount + sharedCount, scratchStride: scratchStride, memory: base,
            workers: workers, threadCount: workers.threadCount))
    let output = Array(memory[inputCount..<inputCount + outputCount])
    guard outputShape.rank == 4 else { return output }
    // The other way round is the same with channels and pixels exchanged.
    return channelsInnermost(output, shape: [outputShape[0], outputShape[2] * outputShape[3], outputShape[1], 1])
}

/// Shape: `[N, C, H, W]` in, `[N, H, W, C]` out; others stay as they are.
func channelsInnermost(_ values: [Float], shape: Shape) -> [Float] {
    guard shape.rank == 4 else { return values }
    let (channels, pixels) = (shape[1], shape[2] * shape[3])
    return (0..<values.count).map { index in
        let (image, pixel, channel) = (index / (channels * pixels), index / channels % pixels, index % channels)
        return values[(image * channels + channel) * pixels + pixel]
    }
}

/// The largest difference of two arrays, relative to the second one's largest value if that is above 1; NaN counts as
/// infinite.
///
/// Winograd's transforms mix large and small outputs of a tile, so that an error is relative to the tile and not to the
/// single value.
func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    guard left.count == right.count else { return .infinity }
    let scale = right.reduce(1) { max($0, abs($1)) }
    return zip(left, right).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1) / scale
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}

extension Tensor {
    /// An image as the engine takes it: `[C, H, W]` to `[H, W, C]`.
    var channelsLast: Tensor {
        guard shape.rank == 3 else { return self }
        return Tensor(
            [shape[1], shape[2], shape[0]],
            scalars: channelsInnermost(scalars, shape: [1, shape[0], shape[1], shape[2]]))
    }
}
