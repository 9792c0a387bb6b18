import Synchronization

/// Runs a network: one plan a batch size, one arena a run that is under way.
///
/// Several threads may run batches at the same time; they share the weights and the plans.
public final class Engine: Sendable {
    /// What is run.
    public let network: Network
    private let planner: Planner
    private let workers: WorkerPool
    private let plans = Mutex<[Int: Plan]>([:])
    private let freeArenas = Mutex<[AlignedBuffer]>([])

    /// An engine whose runs share these threads.
    public init(network: Network, workers: WorkerPool, selector: AlgorithmSelector = AlgorithmSelector()) {
        self.network = network
        self.workers = workers
        planner = Planner(network: network, selector: selector)
    }

    /// The logits of each image of a batch.
    ///
    /// Shape: inputs `[C, H, W]` each, outputs `[K]` each.
    public func callAsFunction(_ images: [Tensor]) -> [[Float]] {
        guard !images.isEmpty else { return [] }
        let plan = plan(batchSize: images.count)
        let arena = takeArena(byteCount: plan.arenaByteCount)
        defer { freeArenas.withLock { $0.append(arena) } }
        let memory = arena.bytes.assumingMemoryBound(to: Float.self)
        let inputCount = network.inputShape.elementCount
        for (index, image) in images.enumerated() {
            precondition(
                image.shape == network.inputShape, "an image of \(image.shape) for \(network.inputShape)")
            image.withUnsafeScalars { scalars in
                let start = plan.inputOffset + index * inputCount
                _ = UnsafeMutableBufferPointer(rebasing: memory[start..<start + inputCount])
                    .initialize(from: scalars)
            }
        }
        plan.run(on: arena, workers: workers)
        let outputCount = network.outputShape.elementCount
        return images.indices.map { index in
            let start = plan.outputOffset + index * outputCount
            return Array(memory[start..<start + outputCount])
        }
    }

    /// Runs a batch of mid-grey images and tells what each step took.
    public func profile(batchSize: Int) -> RunProfile {
        let plan = plan(batchSize: batchSize)
        let arena = takeArena(byteCount: plan.arenaByteCount)
        defer { freeArenas.withLock { $0.append(arena) } }
        let input = arena.bytes.assumingMemoryBound(to: Float.self)[plan.inputOffset...]
        UnsafeMutableBufferPointer(rebasing: input.prefix(network.inputShape.elementCount * batchSize))
            .initialize(repeating: 0.5)
        var steps: [RunProfile.Step] = []
        var last = ContinuousClock.now
        plan.run(on: arena, workers: workers) { step in
            let now = ContinuousClock.now
            steps.append(
                RunProfile.Step(
                    node: step.node, algorithm: step.operation.name, duration: now - last,
                    multiplyAddCount: step.operation.multiplyAddCount * batchSize))
            last = .now
        }
        return RunProfile(batchSize: batchSize, steps: steps)
    }

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
