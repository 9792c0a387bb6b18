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

/// A reproducible sequence of values in −1…1.
struct RandomValues {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Float((z ^ (z >> 31)) >> 40) * 0x1p-23 - 1
    }

    mutating func tensor(_ shape: Shape) -> Tensor {
        Tensor(shape, scalars: (0..<shape.elementCount).map { _ in next() })
    }
}
