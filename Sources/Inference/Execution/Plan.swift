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

/// Gives each value of a plan its place in the arena, so that values which are never alive together share memory.
package struct ArenaLayout {
    private struct Block {
        let offset: Int
        let count: Int
        let lastUse: Int
    }

    /// Units: floats. A cache line, so that no two values share one.
    private static let alignment = 16
    private var blocks: [Block] = []
    /// How much memory all values need. Units: floats.
    package private(set) var count = 0

    /// A layout of nothing.
    package init() {}

    /// Places a value by first fit.
    ///
    /// - Parameters:
    ///   - count: Units: floats.
    ///   - step: the step that writes the value.
    ///   - lastUse: the last step that reads it.
    /// - Returns: its offset. Units: floats.
    package mutating func place(count: Int, at step: Int, lastUse: Int) -> Int {
        let aligned = Self.align(count)
        blocks.removeAll { $0.lastUse < step }
        blocks.sort { $0.offset < $1.offset }
        var offset = 0
        for block in blocks {
            if block.offset - offset >= aligned { break }
            offset = max(offset, block.offset + block.count)
        }
        blocks.append(Block(offset: offset, count: aligned, lastUse: lastUse))
        self.count = max(self.count, offset + aligned)
        return offset
    }

    /// The floats that hold so many bytes, in whole cache lines.
    package static func align(byteCount: Int) -> Int {
        align((byteCount + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride)
    }

    /// Units: floats.
    package static func align(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
