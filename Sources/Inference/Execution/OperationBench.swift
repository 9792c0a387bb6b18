import Files
import Threads

/// One operation by itself, on memory of its own that holds a picture's worth of noise.
struct OperationBench {
    private let operation: any Operation
    private let inputCount: Int
    private let outputCount: Int
    private let batchSize: Int
    private let threadCount: Int
    private let workers: WorkerPool
    private let arena: AlignedBuffer
    private let scratchStride: Int

    /// - Parameter inputCount: with `outputCount`, the values of one image.
    init(
        operation: any Operation, inputCount: Int, outputCount: Int, batchSize: Int, threadCount: Int,
        workers: WorkerPool
    ) {
        self.operation = operation
        self.inputCount = ArenaLayout.align(inputCount * batchSize)
        self.outputCount = ArenaLayout.align(outputCount * batchSize)
        self.batchSize = batchSize
        self.threadCount = threadCount
        self.workers = workers
        scratchStride = ArenaLayout.align(byteCount: operation.scratchByteCount(batchSize: batchSize))
        arena = AlignedBuffer(
            byteCount: (self.inputCount + self.outputCount + scratchStride * threadCount)
                * MemoryLayout<Float>.stride)
        let memory = arena.bytes.bindMemory(to: Float.self)
        memory.initialize(repeating: 0)
        // Half of the values zero, as behind a rectifier, and no two neighbours alike.
        for index in 0..<self.inputCount {
            memory[index] = max(0, Float((index &* 2_654_435_761) & 0xFFFF) / 32_768 - 1)
        }
    }

    /// The input of one image. Shape: `[H, W, C]`.
    var input: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: arena.bytes.bindMemory(to: Float.self)[..<(inputCount / batchSize)])
    }

    /// What the last run wrote.
    var output: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: arena.bytes.bindMemory(to: Float.self)[inputCount..<inputCount + outputCount])
    }

    /// Brings the input into the caches, where the layer before would have left it.
    func touchInput() {
        let memory = arena.bytes.bindMemory(to: Float.self)
        for index in stride(from: 0, to: inputCount, by: 16) { memory[index] += 0 }
    }

    func run() {
        guard let memory = arena.bytes.bindMemory(to: Float.self).baseAddress else { return }
        operation.run(
            OperationRun(
                batchSize: batchSize, inputOffsets: [0], outputOffset: inputCount,
                scratchOffset: inputCount + outputCount, scratchStride: scratchStride, memory: memory,
                workers: workers, threadCount: threadCount))
    }
}
