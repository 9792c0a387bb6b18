import Synchronization

/// A part of a network that runs on batches of its own size: a plan for each, and arenas that are free.
final class Segment: Sendable {
    private let network: Network
    private let planner: Planner
    private let workers: WorkerPool
    private let plans = Mutex<[Int: Plan]>([:])
    private let freeArenas = Mutex<[AlignedBuffer]>([])

    init(network: Network, workers: WorkerPool, selector: AlgorithmSelector) {
        self.network = network
        self.workers = workers
        planner = Planner(network: network, selector: selector)
    }

    /// Runs one batch.
    ///
    /// - Parameters:
    ///   - fill: writes the batch's input, `[N, …]`.
    ///   - didRun: is told after each step, for measurements.
    ///   - take: reads its output, `[N, …]`.
    func run<R>(
        batchSize: Int, fill: (UnsafeMutableBufferPointer<Float>) -> Void, didRun: ((Plan.Step) -> Void)? = nil,
        take: (UnsafeBufferPointer<Float>) -> R
    ) -> R {
        let plan = plan(batchSize: batchSize)
        let arena = takeArena(byteCount: plan.arenaByteCount)
        defer { freeArenas.withLock { $0.append(arena) } }
        let memory = arena.bytes.assumingMemoryBound(to: Float.self)
        func values(at offset: Int, shape: Shape) -> UnsafeMutableBufferPointer<Float> {
            UnsafeMutableBufferPointer(rebasing: memory[offset..<offset + shape.elementCount * batchSize])
        }
        fill(values(at: plan.inputOffset, shape: network.inputShape))
        plan.run(on: arena, workers: workers, didRun: didRun)
        return take(UnsafeBufferPointer(values(at: plan.outputOffset, shape: network.outputShape)))
    }

    /// What a run of so many images takes. Units: bytes.
    func arenaByteCount(batchSize: Int) -> Int { plan(batchSize: batchSize).arenaByteCount }

    private func plan(batchSize: Int) -> Plan {
        plans.withLock { plans in
            if let plan = plans[batchSize] { return plan }
            let plan = planner.plan(batchSize: batchSize, threadCount: workers.threadCount)
            plans[batchSize] = plan
            return plan
        }
    }

    /// A free arena that is large enough; one that has become too small is let go, so that their number stays that of
    /// the runs that ever were under way together.
    private func takeArena(byteCount: Int) -> AlignedBuffer {
        let free = freeArenas.withLock { $0.popLast() }
        if let free, free.bytes.count >= byteCount { return free }
        return AlignedBuffer(byteCount: byteCount)
    }
}
