import CKernels
import Files
import Threads

/// One layer computed by one algorithm on inputs of a known shape, for any batch size. It is a step of a ``Plan``.
///
/// An operation owns its weights in the form that suits its algorithm. It is made once for each model, and all plans
/// and threads share it. Values with rows and columns are stored channels-last, `[N, H, W, C]`; other values are
/// `[N, F]`.
public protocol Operation: Sendable {
    /// The algorithm's name in measurements, such as `im2row`.
    var name: String { get }

    /// Scratch memory of each thread. Units: bytes.
    func scratchByteCount(batchSize: Int) -> Int

    /// The memory of the operation's own weights, besides the layer's parameters. Units: bytes.
    var weightByteCount: Int { get }

    /// See ``Layer/multiplyAddCount(for:)``.
    var multiplyAddCount: Int { get }

    /// The number of multiply-adds that the algorithm performs for one image, without those of its transforms.
    var performedMultiplyAddCount: Int { get }

    /// What kind of numbers the algorithm multiplies.
    var productType: ProductType { get }

    /// The weights that a run reads, whatever its batch size. Units: bytes.
    var readWeightByteCount: Int { get }

    /// The value of the operation's tuning knob, such as the number of tiles in a block; zero if it has no knob.
    var setting: Int { get }

    /// This operation with other values of its tuning knob that are worth measuring for batches of this size. All share
    /// its weights, and their results are equal to the bit.
    func variants(batchSize: Int) -> [any Operation]

    /// Computes the whole batch.
    func run(_ run: OperationRun)
}

extension Operation {
    /// Zero by default: most operations need no scratch memory.
    public func scratchByteCount(batchSize: Int) -> Int { 0 }
    /// Zero by default: most operations read the layer's own parameters or have none.
    public var weightByteCount: Int { 0 }
    public var multiplyAddCount: Int { 0 }
    /// As many as by the layer's definition by default.
    public var performedMultiplyAddCount: Int { multiplyAddCount }
    /// float32 by default.
    public var productType: ProductType { .float32 }
    /// The operation's own weights by default.
    public var readWeightByteCount: Int { weightByteCount }
    /// Zero by default: most operations have no tuning knob.
    public var setting: Int { 0 }
    /// None by default: most operations have no tuning knob.
    public func variants(batchSize: Int) -> [any Operation] { [] }
}

/// The kind of numbers that an algorithm multiplies; a machine multiplies each at another rate.
public enum ProductType: Sendable {
    /// float32 numbers, summed in float32.
    case float32
    /// Bytes, summed in 32-bit integers.
    case int8
    /// 16-bit integers, summed in 32-bit integers.
    case int16
}

/// What an operation works on: the memory of the arena, and the threads that share the work.
public struct OperationRun: @unchecked Sendable {  // guard: the arena belongs to one run of one plan at a time
    /// The number of images in the batch.
    public let batchSize: Int
    /// The offset of each input in the arena. Units: floats.
    let inputOffsets: [Int]
    /// The offset of the output in the arena. Units: floats.
    let outputOffset: Int
    /// The format of each input; float32 of those that are left out.
    private let inputFormats: [ValueFormat]
    let outputFormat: ValueFormat
    /// The offset of the first thread's scratch memory in the arena. Units: floats.
    let scratchOffset: Int
    /// The distance between the scratch memory of two threads. Units: floats.
    let scratchStride: Int
    /// The arena.
    let memory: UnsafeMutablePointer<Float>
    let workers: WorkerPool
    /// The number of threads that may share the work; 1 if each thread works on its own images.
    public let threadCount: Int

    /// A run on the memory at `memory`, from which all offsets are counted. Units: floats.
    package init(
        batchSize: Int, inputOffsets: [Int], outputOffset: Int, inputFormats: [ValueFormat] = [],
        outputFormat: ValueFormat = .float32, scratchOffset: Int, scratchStride: Int,
        memory: UnsafeMutablePointer<Float>, workers: WorkerPool, threadCount: Int
    ) {
        self.batchSize = batchSize
        self.inputOffsets = inputOffsets
        self.outputOffset = outputOffset
        self.inputFormats = inputFormats
        self.outputFormat = outputFormat
        self.scratchOffset = scratchOffset
        self.scratchStride = scratchStride
        self.memory = memory
        self.workers = workers
        self.threadCount = threadCount
    }

    /// An input of the step. Shape: `[N, …]`, images contiguous.
    public func input(_ index: Int = 0) -> UnsafePointer<Float> { UnsafePointer(memory + inputOffsets[index]) }

    /// The output of the step. Shape: `[N, …]`, images contiguous.
    public var output: UnsafeMutablePointer<Float> { memory + outputOffset }

    /// The format of an input.
    func inputFormat(_ index: Int = 0) -> ValueFormat {
        inputFormats.indices.contains(index) ? inputFormats[index] : .float32
    }

    /// An input in bytes, followed by ``byteSlack``. Shape: `[N, …]`, images contiguous.
    func inputBytes(_ index: Int = 0) -> UnsafePointer<UInt8> {
        UnsafePointer(UnsafeMutableRawPointer(memory + inputOffsets[index]).assumingMemoryBound(to: UInt8.self))
    }

    /// The output of a step that writes bytes. Shape: `[N, …]`, images contiguous.
    var outputBytes: UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(memory + outputOffset).assumingMemoryBound(to: UInt8.self)
    }

    /// The output of a step that may write either format.
    var outputMemory: OutputMemory {
        switch outputFormat {
        case .float32: .float32(output)
        case .bytes(let quantization): .bytes(outputBytes, quantization)
        }
    }

    /// What kernels may read after the bytes of a value. Units: bytes.
    static let byteSlack = Int(KERNEL_BYTE_SLACK)

    /// The memory of a value. Units: floats.
    static func floatCount(_ count: Int, in format: ValueFormat) -> Int {
        switch format {
        case .float32: ArenaLayout.align(count)
        case .bytes: ArenaLayout.align(byteCount: count + byteSlack)
        }
    }

    /// The scratch memory of a thread; `slot` is what ``parallelFor(_:_:)`` passes.
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

    /// Like ``parallelFor(_:_:)``, but for ranges of about equal length: one for each thread, with at least `minCount`
    /// indices.
    func parallelForRanges(
        _ count: Int, minCount: Int, _ body: @escaping @Sendable (_ range: Range<Int>, _ slot: Int) -> Void
    ) {
        let parts = max(1, min(threadCount, count / max(1, minCount)))
        parallelFor(parts) { part, slot in body(part * count / parts..<(part + 1) * count / parts, slot) }
    }
}

/// One way to compute a layer on inputs of a known shape, before its weights are prepared.
///
/// Preparation costs time, and memory for weights, so only the chosen algorithm is prepared.
public struct Algorithm: Sendable {
    /// The name in measurements and in `model.json`, such as `im2row` or `winograd-4x4`.
    public let name: String
    /// The estimated cost for one image, which ranks the algorithms of a layer if nothing was measured. Units:
    /// multiply-adds, approximately.
    package let cost: Double
    /// What is added for each batch, whatever its size: reading weights that are much larger than the layer's own. Units
    /// as above.
    let batchCost: Double
    /// Measures the largest error against float64 on the layer's own weights, relative to the largest result. Nil for
    /// algorithms that only sum the products of the layer's definition, since they are as accurate as float32 sums.
    let relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)?
    private let prepare: @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation

    init(
        name: String, cost: Double = 0, batchCost: Double = 0,
        relativeError: (@Sendable (_ operation: any Operation, _ workers: WorkerPool) -> Double)? = nil,
        prepare: @escaping @Sendable (_ workers: WorkerPool, _ memory: BufferPool?) -> any Operation
    ) {
        self.name = name
        self.cost = cost
        self.batchCost = batchCost
        self.relativeError = relativeError
        self.prepare = prepare
    }

    /// The only algorithm of a layer.
    init(_ operation: any Operation) { self.init(name: operation.name) { _, _ in operation } }

    /// The estimated cost for one image of a batch.
    func cost(batchSize: Int) -> Double { cost + batchCost / Double(batchSize) }

    /// Prepares the current weights on these threads.
    ///
    /// - Parameter memory: lends memory for the prepared weights, for training, which prepares them again at every
    ///   step.
    package func make(_ workers: WorkerPool, memory: BufferPool? = nil) -> any Operation { prepare(workers, memory) }
}
