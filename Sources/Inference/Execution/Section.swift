import Files
import Synchronization
import Threads

/// A part of a network that runs on batches of its own size; it has a plan for each size.
///
/// An engine has up to three sections; see ``Engine``.
final class Section: Sendable {
    /// The layers of this section.
    let network: Network
    /// The most images in one run; `Int.max` for the whole batch.
    let batchLimit: Int
    private let planner: Planner
    private let workers: WorkerPool
    private let plans = Mutex<[PlanKey: Plan]>([:])
    /// The arenas that no run uses at the moment.
    private let freeArenas = Mutex<[AlignedBuffer]>([])

    private struct PlanKey: Hashable {
        let batchSize: Int
        let threadCount: Int
    }

    /// - Parameter formats: the format of each of the section's values; see ``StageGraph/formats(of:)``.
    init(
        network: Network, workers: WorkerPool, selector: AlgorithmSelector, batchLimit: Int, formats: [ValueFormat]
    ) {
        self.network = network
        self.workers = workers
        self.batchLimit = batchLimit
        planner = Planner(
            network: network, workers: workers, selector: selector, batchLimit: batchLimit, formats: formats)
    }

    /// See ``Planner/measure(with:)``. Call it before the first run.
    func measure(with tuner: AlgorithmTuner) { planner.measure(with: tuner) }

    /// Runs one batch.
    ///
    /// - Parameters:
    ///   - threadCount: the number of threads that share each step.
    ///   - fill: writes the batch's input, `[N, …]`, in the format of the section's input.
    ///   - willRun: called before each step, with its inputs in memory.
    ///   - didRun: called with each step and its duration, for profiles.
    ///   - take: reads the batch's output, `[N, …]`, in the format of the section's output.
    func run<R>(
        batchSize: Int, threadCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void,
        willRun: ((Plan.Step, OperationRun) -> Void)? = nil, didRun: ((Plan.Step, Duration) -> Void)? = nil,
        take: (UnsafeRawBufferPointer) -> R
    ) -> R {
        let plan = plan(PlanKey(batchSize: batchSize, threadCount: threadCount))
        let arena = takeArena(byteCount: plan.arenaByteCount)
        defer { freeArenas.withLock { $0.append(arena) } }
        func values(at offset: Int, imageByteCount: Int) -> UnsafeMutableRawBufferPointer {
            let start = offset * MemoryLayout<Float>.stride
            return UnsafeMutableRawBufferPointer(rebasing: arena.bytes[start..<start + imageByteCount * batchSize])
        }
        fill(values(at: plan.inputOffset, imageByteCount: inputByteCount))
        plan.run(on: arena, workers: workers, willRun: willRun, didRun: didRun)
        return take(UnsafeRawBufferPointer(values(at: plan.outputOffset, imageByteCount: outputByteCount)))
    }

    /// The size of one image's input and of its output. Units: bytes.
    var inputByteCount: Int { planner.inputFormat.byteCount(network.inputShape.elementCount) }
    var outputByteCount: Int { planner.outputFormat.byteCount(network.outputShape.elementCount) }

    /// The memory of the operations made so far, besides the layers' parameters. Units: bytes.
    var weightByteCount: Int { planner.weightByteCount }

    /// The size of the arena for a batch of this size. Units: bytes.
    func arenaByteCount(batchSize: Int, threadCount: Int) -> Int {
        plan(PlanKey(batchSize: batchSize, threadCount: threadCount)).arenaByteCount
    }

    private func plan(_ key: PlanKey) -> Plan {
        plans.withLock { plans in
            if let plan = plans[key] { return plan }
            let plan = planner.plan(batchSize: key.batchSize, threadCount: key.threadCount)
            plans[key] = plan
            return plan
        }
    }

    /// A free arena that is large enough, or a new one.
    ///
    /// A free arena that is too small is released, so there are never more arenas than concurrent runs.
    private func takeArena(byteCount: Int) -> AlignedBuffer {
        let free = freeArenas.withLock { $0.popLast() }
        if let free, free.bytes.count >= byteCount { return free }
        return AlignedBuffer(byteCount: byteCount)
    }
}
