import Files
import Threads

/// One layer computed by one algorithm on inputs of a known shape, for any batch size: a step of a ``Plan``.
///
/// An operation owns its weights in the form that suits it. It is made once for each model, and all plans and threads
/// share it. Values with rows and columns lie with their channels innermost, `[N, H, W, C]`; others `[N, F]`.
public protocol Operation: Sendable {
    /// The algorithm's name in measurements, as `im2row`.
    var name: String { get }

    /// Scratch memory that each thread needs for itself. Units: bytes.
    func scratchByteCount(batchSize: Int) -> Int

    /// The weights that it holds beside the layer's own parameters. Units: bytes.
    var weightByteCount: Int { get }

    /// See ``Layer/multiplyAddCount(for:)``.
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
    /// How many images the batch has.
    public let batchSize: Int
    /// Where each of the step's inputs begins in the arena. Units: floats.
    let inputOffsets: [Int]
    /// Where the output begins in the arena. Units: floats.
    let outputOffset: Int
    /// Where the first thread's scratch begins in the arena. Units: floats.
    let scratchOffset: Int
    /// The distance between two threads' scratch. Units: floats.
    let scratchStride: Int
    /// The arena.
    let memory: UnsafeMutablePointer<Float>
    let workers: WorkerPool
    /// How many threads may share the work; 1 where each thread works on images of its own.
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

    /// Runs `body` for each index of `0..<count` on the threads that share the work, as
    /// ``WorkerPool/parallelFor(_:_:)``.
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

/// One way to compute a layer on inputs of a known shape, not yet prepared.
///
/// Preparing it costs time, and memory for weights, so that only the chosen algorithm is prepared.
public struct Algorithm: Sendable {
    /// Its name in measurements and in `model.json`: `im2row`, `winograd-4x4`.
    public let name: String
    /// An estimate of the time for one image, to compare the algorithms of one layer where nothing was measured.
    /// Units: about one multiply-add.
    package let cost: Double
    /// Measures the largest error against float64 on the layer's own weights, relative to the largest result; nil where
    /// the algorithm only adds up the products of the layer's definition.
    let relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)?
    private let prepare: @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation

    init(
        name: String, cost: Double = 0,
        relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)? = nil,
        prepare: @escaping @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation
    ) {
        self.name = name
        self.cost = cost
        self.relativeError = relativeError
        self.prepare = prepare
    }

    /// The algorithm of a layer that has only one.
    init(_ operation: any Operation) { self.init(name: operation.name) { _, _ in operation } }

    /// Prepares the weights as they are now, on these threads.
    ///
    /// - Parameter memory: a pool for the prepared weights, where they are prepared again and again, as in training.
    package func make(_ workers: WorkerPool, memory: BufferPool? = nil) -> any Operation { prepare(workers, memory) }
}
