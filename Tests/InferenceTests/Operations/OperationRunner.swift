@testable import Inference

/// Runs one operation by itself, on an arena of its own whose output and scratch hold garbage at first.
func run(_ operation: any Operation, on input: Tensor, outputCount: Int, workers: WorkerPool) -> [Float] {
    let inputCount = input.shape.elementCount
    let batchSize = input.shape[0]
    let sharedCount = operation.sharedByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
    let scratchStride = operation.scratchByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
    let arena = AlignedBuffer(
        byteCount: (inputCount + outputCount + sharedCount + scratchStride * workers.threadCount)
            * MemoryLayout<Float>.stride)
    let memory = arena.bytes.bindMemory(to: Float.self)
    memory.initialize(repeating: .nan)
    _ = memory.update(fromContentsOf: input.scalars)
    guard let base = memory.baseAddress else { return [] }
    operation.run(
        OperationRun(
            batchSize: batchSize, inputOffsets: [0], outputOffset: inputCount,
            sharedOffset: inputCount + outputCount,
            scratchOffset: inputCount + outputCount + sharedCount, scratchStride: scratchStride, memory: base,
            workers: workers))
    return Array(memory[inputCount..<inputCount + outputCount])
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
