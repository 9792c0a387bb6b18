import Files
import Threads

/// How a network is run on batches of one size: which operation computes each layer, and where each value lies.
///
/// A plan holds no memory and no weights of its own, so it is cheap to make and to keep.
struct Plan: Sendable {
    /// One operation on its memory. Offsets are in floats.
    struct Step: Sendable {
        let node: String
        let operation: any Operation
        let inputOffsets: [Int]
        let outputOffset: Int
    }

    let batchSize: Int
    let steps: [Step]
    /// Where the batch is put, and where the logits are found. Units: floats.
    let inputOffset: Int
    let outputOffset: Int
    /// What the arena must hold. Units: floats.
    let activationCount: Int
    let scratchStride: Int
    let threadCount: Int

    /// Units: bytes.
    var arenaByteCount: Int {
        (activationCount + scratchStride * threadCount) * MemoryLayout<Float>.stride
    }

    /// Runs every step on memory that is this run's alone.
    ///
    /// - Parameter didRun: is told what each step took, for measurements.
    func run(on arena: AlignedBuffer, workers: WorkerPool, didRun: ((Step, Duration) -> Void)? = nil) {
        precondition(
            arena.bytes.count >= arenaByteCount, "an arena of \(arena.bytes.count) bytes; \(arenaByteCount) are needed")
        guard let memory = arena.bytes.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
        for step in steps {
            let start = didRun == nil ? nil : ContinuousClock.now
            step.operation.run(
                OperationRun(
                    batchSize: batchSize, inputOffsets: step.inputOffsets, outputOffset: step.outputOffset,
                    scratchOffset: activationCount, scratchStride: scratchStride, memory: memory, workers: workers,
                    threadCount: threadCount))
            if let start { didRun?(step, .now - start) }
        }
    }
}
