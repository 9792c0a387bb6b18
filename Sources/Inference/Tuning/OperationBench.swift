import Files
import Threads

/// Runs one operation alone, on its own memory filled with noise.
///
/// Several copies can run at the same time, as in an engine whose threads each run their own images: they compete for
/// the last-level cache and for memory bandwidth.
struct OperationBench {
    private let operation: any Operation
    private let inputFormats: [ValueFormat]
    /// Where each input starts in an arena, and where the last one ends. Units: floats.
    private let inputOffsets: [Int]
    private let outputFormat: ValueFormat
    private let outputCount: Int
    private let batchSize: Int
    private let threadCount: Int
    private let workers: WorkerPool
    /// One for each copy.
    private let arenas: [AlignedBuffer]
    private let scratchStride: Int

    /// - Parameters:
    ///   - inputs: one image's inputs.
    ///   - output: one image's output.
    ///   - threadCount: the number of threads that share the work of a copy.
    ///   - copyCount: the number of copies that run at the same time; their threads are different ones.
    init(
        operation: any Operation, inputs: [AlgorithmTuner.Value], output: AlgorithmTuner.Value, batchSize: Int,
        threadCount: Int, copyCount: Int = 1, workers: WorkerPool
    ) {
        self.operation = operation
        inputFormats = inputs.map(\.format)
        outputFormat = output.format
        let inputOffsets = inputs.reduce(into: [0]) { offsets, input in
            offsets.append(
                offsets[offsets.count - 1] + OperationRun.floatCount(input.count * batchSize, in: input.format))
        }
        let inputCount = inputOffsets[inputs.count]
        self.inputOffsets = inputOffsets
        outputCount = OperationRun.floatCount(output.count * batchSize, in: output.format)
        self.batchSize = batchSize
        self.threadCount = threadCount
        self.workers = workers
        scratchStride = ArenaLayout.align(byteCount: operation.scratchByteCount(batchSize: batchSize))
        let byteCount = (inputCount + outputCount + scratchStride * threadCount) * MemoryLayout<Float>.stride
        arenas = (0..<copyCount).map { _ in
            let arena = AlignedBuffer(byteCount: byteCount)
            let memory = arena.bytes.bindMemory(to: Float.self)
            memory.initialize(repeating: 0)
            // Half of the values are zero, as after a ReLU, and no two neighbours are equal.
            for index in 0..<inputCount {
                memory[index] = max(0, Float((index &* 2_654_435_761) & 0xFFFF) / 32_768 - 1)
            }
            return arena
        }
    }

    /// The size of all inputs. Units: floats.
    private var inputCount: Int { inputOffsets[inputOffsets.count - 1] }

    /// The first input of one image. Shape: `[H, W, C]`.
    var input: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: arenas[0].bytes.bindMemory(to: Float.self)[..<(inputOffsets[1] / batchSize)])
    }

    /// The output of the last run's first copy.
    var output: UnsafeBufferPointer<Float> {
        UnsafeBufferPointer(rebasing: arenas[0].bytes.bindMemory(to: Float.self)[inputCount..<inputCount + outputCount])
    }

    /// Reads the inputs into the caches, where the preceding layer leaves it in a network.
    func touchInput() {
        for arena in arenas {
            let memory = arena.bytes.bindMemory(to: Float.self)
            for index in stride(from: 0, to: inputCount, by: 16) { memory[index] += 0 }
        }
    }

    func run() {
        guard arenas.count > 1 else { return run(on: arenas[0]) }
        workers.parallelFor(arenas.count) { index, _ in run(on: arenas[index]) }
    }

    private func run(on arena: AlignedBuffer) {
        guard let memory = arena.bytes.bindMemory(to: Float.self).baseAddress else { return }
        operation.run(
            OperationRun(
                batchSize: batchSize, inputOffsets: inputOffsets.dropLast(), outputOffset: inputCount,
                inputFormats: inputFormats, outputFormat: outputFormat, scratchOffset: inputCount + outputCount,
                scratchStride: scratchStride, memory: memory,
                workers: workers, threadCount: threadCount))
    }
}
