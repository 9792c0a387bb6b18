import Threads

/// One layer computed by one algorithm on inputs of a known shape, for any batch size: the unit a plan is made of.
///
/// An operation owns its weights in whatever form it wants them, is made once a model, and is shared by every plan
/// and every thread. Values with rows and columns lie with their channels innermost, `[N, H, W, C]`; others `[N, F]`.
public protocol Operation: Sendable {
    /// The algorithm's name in measurements, as `im2row`.
    var name: String { get }

    /// Scratch memory that each thread needs for itself. Units: bytes.
    func scratchByteCount(batchSize: Int) -> Int

    /// What it holds of weights beside the layer's own parameters. Units: bytes.
    var weightByteCount: Int { get }

    /// Multiply-adds of one image by the layer's definition, whatever the algorithm really does.
    var multiplyAddCount: Int { get }

    /// Computes the whole batch.
    func run(_ run: OperationRun)
}

extension Operation {
    /// Most need none.
    public func scratchByteCount(batchSize: Int) -> Int { 0 }
    /// Most read the layer's own, or none.
    public var weightByteCount: Int { 0 }
    public var multiplyAddCount: Int { 0 }
}

/// What an operation works on: memory of the arena and the threads that share the work.
public struct OperationRun: @unchecked Sendable {  // guard: the arena belongs to one run of one plan at a time
    /// How many images there are.
    public let batchSize: Int
    /// Where each of the step's inputs begins in the arena. Units: floats.
    let inputOffsets: [Int]
    let outputOffset: Int
    let scratchOffset: Int
    /// The distance between two threads' scratch. Units: floats.
    let scratchStride: Int
    let memory: UnsafeMutablePointer<Float>
    let workers: WorkerPool
    /// How many threads may share the work; one where others are busy with images of their own.
    public let threadCount: Int

    /// Offsets are counted from `memory` on. Units: floats.
    package init(
        batchSize: Int, inputOffsets: [Int], outputOffset: Int, scratchOffset: Int, scratchStride: Int,
        memory: UnsafeMutablePointer<Float>, workers: WorkerPool, threadCount: Int
    ) {
        self.batchSize = batchSize
        self.inputOffsets = inputOffsets
        self.outputOffset = outputOffset
        self.scratchOffset = scratchOffset
        self.scratchStride = scratchStride
        self.memory = memory
        self.workers = workers
        self.threadCount = threadCount
    }

    /// Shape: `[N, …]`, images one behind the other.
    public func input(_ index: Int = 0) -> UnsafePointer<Float> { UnsafePointer(memory + inputOffsets[index]) }

    /// Shape: `[N, …]`, images one behind the other.
    public var output: UnsafeMutablePointer<Float> { memory + outputOffset }

    /// The scratch memory of a slot of ``parallelFor(_:_:)``.
    public func scratch(slot: Int) -> UnsafeMutablePointer<Float> { memory + scratchOffset + slot * scratchStride }

    /// Runs `body` for each index of `0..<count` on the threads that share the work, as ``WorkerPool/parallelFor(_:_:)``.
    public func parallelFor(_ count: Int, _ body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void) {
        guard threadCount > 1 else {
            for index in 0..<count { body(index, 0) }
            return
        }
        workers.parallelFor(count, body)
    }

    /// Like ``parallelFor(_:_:)`` for ranges of about equal length, one a thread or of `minCount` at least.
    func parallelForRanges(
        _ count: Int, minCount: Int, _ body: @escaping @Sendable (_ range: Range<Int>, _ slot: Int) -> Void
    ) {
        let parts = max(1, min(threadCount, count / max(1, minCount)))
        parallelFor(parts) { part, slot in body(part * count / parts..<(part + 1) * count / parts, slot) }
    }
}
