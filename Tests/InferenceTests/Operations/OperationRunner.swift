@testable import Inference

/// Runs one operation by itself, on an arena of its own whose output and scratch hold garbage at first.
func run(_ operation: any Operation, on input: Tensor, outputCount: Int, workers: WorkerPool) -> [Float] {
    let inputCount = input.shape.elementCount
    let scratchStride = operation.scratchByteCount / MemoryLayout<Float>.stride
    let arena = AlignedBuffer(
        byteCount: (inputCount + outputCount + scratchStride * workers.threadCount) * MemoryLayout<Float>.stride)
    let memory = arena.bytes.bindMemory(to: Float.self)
    memory.initialize(repeating: .nan)
    _ = memory.update(fromContentsOf: input.scalars)
    guard let base = memory.baseAddress else { return [] }
    operation.run(
        OperationRun(
            batchSize: input.shape[0], inputOffsets: [0], outputOffset: inputCount,
            scratchOffset: inputCount + outputCount, scratchStride: scratchStride, memory: base, workers: workers))
    return Array(memory[inputCount..<inputCount + outputCount])
}

/// The largest difference of two arrays, relative where the values are above 1; NaN counts as infinite.
func largestDifference(_ left: [Float], _ right: [Float]) -> Float {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) { largest, pair in
        let difference = abs(pair.0 - pair.1) / max(1, abs(pair.1))
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}
