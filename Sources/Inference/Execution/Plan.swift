import Files
import Threads

/// How a network runs on batches of one size: which operation computes each layer, and the offset of each value in the
/// arena.
///
/// A plan owns neither memory nor weights, so it is cheap to make and to keep.
struct Plan: Sendable {
    /// One operation, and the arena offsets of its inputs and its output. Units: floats.
    struct Step: Sendable {
        let node: String
        let operation: any Operation
        let inputOffsets: [Int]
        let outputOffset: Int
        let inputFormats: [ValueFormat]
        let outputFormat: ValueFormat
    }

    /// The number of images in the batch.
    let batchSize: Int
    let steps: [Step]
    /// The offset of the batch's input in the arena. Units: floats.
    let inputOffset: Int
    /// The offset of the logits in the arena. Units: floats.
    let outputOffset: Int
    /// The size of all values; the threads' scratch memory follows them in the arena. Units: floats.
    let activationCount: Int
    /// The size of one thread's scratch memory. Units: floats.
    let scratchStride: Int
    /// The number of threads that share each step.
    let threadCount: Int

    /// The size of the arena. Units: bytes.
    var arenaByteCount: Int {
        (activationCount + scratchStride * threadCount) * MemoryLayout<Float>.stride
    }

    /// Runs all steps.
    ///
    /// - Parameters:
    ///   - arena: memory that no other run uses.
    ///   - willRun: called before each step, with its inputs in memory.
    ///   - didRun: called with each step and its duration, for profiles.
    func run(
        on arena: AlignedBuffer, workers: WorkerPool, willRun: ((Step, OperationRun) -> Void)? = nil,
        didRun: ((Step, Duration) -> Void)? = nil
    ) {
        precondition(
            arena.bytes.count >= arenaByteCount, "an arena of \(arena.bytes.count) bytes; \(arenaByteCount) are needed")
        guard let memory = arena.bytes.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
        for step in steps {
            let run = OperationRun(
                batchSize: batchSize, inputOffsets: step.inputOffsets, outputOffset: step.outputOffset,
                inputFormats: step.inputFormats, outputFormat: step.outputFormat, scratchOffset: activationCount,
                scratchStride: scratchStride, memory: memory, workers: workers,
                threadCount: threadCount)
            willRun?(step, run)
            let start = didRun == nil ? nil : ContinuousClock.now
            step.operation.run(run)
            if let start { didRun?(step, .now - start) }
        }
    }
}

/// Places the values of a plan in the arena. Values that are never alive at the same time share memory.
///
/// It is a first-fit allocator; all lifetimes are known in advance.
package struct ArenaLayout {
    /// The memory and the lifetime of one value. Units: floats; indices of steps.
    private struct Block {
        let offset: Int
        let count: Int
        let lastUse: Int
    }

    /// A cache line, so that no two values share one. Units: floats.
    private static let alignment = 16
    private var blocks: [Block] = []
    /// The size of the memory for all values. Units: floats.
    package private(set) var count = 0

    /// An empty layout.
    package init() {}

    /// Places a value.
    ///
    /// - Parameters:
    ///   - count: its size. Units: floats.
    ///   - step: the step that writes the value.
    ///   - lastUse: the last step that reads it.
    /// - Returns: the value's offset. Units: floats.
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

    /// A byte count as floats, rounded up to whole cache lines. Units: floats.
    package static func align(byteCount: Int) -> Int {
        align((byteCount + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride)
    }

    /// A number of floats, rounded up to whole cache lines. Units: floats.
    package static func align(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
