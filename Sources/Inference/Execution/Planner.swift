import Synchronization
import Threads

/// Makes the plans of a network, and keeps the operations that all its plans share.
final class Planner: Sendable {
    /// A layer to compute, with the activation that is fused into it.
    private struct Stage: Sendable {
        let node: Network.Node
        let algorithms: [Algorithm]
        /// See ``Layer/workload(for:)``.
        let workload: String
        /// The number of floats in one image's first input.
        let inputCount: Int
        /// The number of floats in one image's output.
        let outputCount: Int
        /// The index of the value that the layer writes.
        let output: Int
        /// The indices of the values that the layer reads.
        let inputs: [Int]
    }

    private struct OperationKey: Hashable {
        let stage: Int
        let algorithm: String
    }

    private struct Made {
        /// The operations that at least one plan uses.
        var operations: [OperationKey: any Operation] = [:]
        /// The algorithms whose error is too large.
        var refused: Set<OperationKey> = []
    }

    private let network: Network
    private let selector: AlgorithmSelector
    private let workers: WorkerPool
    private let batchLimit: Int
    private let stages: [Stage]
    private let made = Mutex(Made())
    /// The index of the network's output. Value 0 is the network's input; node n writes value n + 1.
    private let outputValue: Int

    /// - Parameter batchLimit: the most images in one run.
    init(network: Network, workers: WorkerPool, selector: AlgorithmSelector, batchLimit: Int) {
        self.batchLimit = batchLimit
        self.network = network
        self.workers = workers
        self.selector = selector
        // Views and fused activations write no value of their own; they are aliases of the value that they read.
        var values = [0]
        var stages: [Stage] = []
        var fused: Set<Int> = []
        for (index, node) in network.nodes.enumerated() {
            let inputs = node.inputs.map { values[$0 + 1] }
            let shapes = node.inputs.map { $0 == Network.input ? network.inputShape : network.shapes[$0] }
            if node.layer.isView(of: shapes) || fused.contains(index) {
                values.append(inputs[0])
                continue
            }
            let follower = Self.fusedActivation(after: index, in: network)
            if let follower { fused.insert(follower) }
            let algorithms = node.layer.algorithms(for: shapes, activation: follower == nil ? nil : .relu)
            stages.append(
                Stage(
                    node: node, algorithms: algorithms, workload: node.layer.workload(for: shapes),
                    inputCount: shapes[0].elementCount, outputCount: network.shapes[index].elementCount,
                    output: index + 1, inputs: inputs))
            values.append(index + 1)
        }
        self.stages = stages
        outputValue = values[values.count - 1]
    }

    /// The index of the ReLU after a node, if it can be fused into it: it must be the only reader of the node's output.
    private static func fusedActivation(after index: Int, in network: Network) -> Int? {
        guard network.nodes[index].layer.fusesActivation else { return nil }
        let readers = network.nodes.indices.filter { network.nodes[$0].inputs.contains(index) }
        guard readers.count == 1, network.nodes[readers[0]].layer is ReLU else { return nil }
        return readers[0]
    }

    /// The measured condition closest to a plan's. Two conditions are measured: one image on all threads; and a full
    /// batch, on one thread if each thread runs its own images.
    private func condition(batchSize: Int, threadCount: Int) -> AlgorithmTimings.Condition {
        let full = fullCondition
        let isLone = threadCount > full.threadCount || batchSize < full.batchSize / 2
        return isLone ? loneCondition : full
    }

    private var loneCondition: AlgorithmTimings.Condition { .init(batchSize: 1, threadCount: workers.threadCount) }
    private var fullCondition: AlgorithmTimings.Condition {
        batchLimit == .max
            ? .init(batchSize: Self.wholeBatch, threadCount: workers.threadCount)
            : .init(batchSize: batchLimit, threadCount: 1)
    }

    /// The batch size that is measured where a section takes the whole batch. Units: images.
    private static let wholeBatch = 16

    /// Measures the algorithms whose times are unknown, within the tuner's time limit.
    func measure(with tuner: AlgorithmTuner) {
        for stage in stages where stage.inputs.count == 1 {
            let unknown = [loneCondition, fullCondition].filter {
                selector.timings.times(of: stage.workload, under: $0) == nil
            }
            guard !unknown.isEmpty else { continue }
            let measured = tuner.measure(
                stage.algorithms, inputCount: stage.inputCount, outputCount: stage.outputCount, under: unknown)
            guard let measured else { return }
            for (condition, times) in measured {
                for (algorithm, time) in times {
                    selector.timings.record(
                        .init(
                            workload: stage.workload, algorithm: algorithm, batchSize: condition.batchSize,
                            threadCount: condition.threadCount, seconds: time.seconds, setting: time.setting))
                }
            }
        }
    }

    /// The memory of the operations made so far, besides the layers' parameters. Units: bytes.
    var weightByteCount: Int { made.withLock { $0.operations.values.reduce(0) { $0 + $1.weightByteCount } } }

    /// The fastest operation that is accurate enough, with the fastest value of its tuning knob.
    private func operation(ofStage index: Int, under condition: AlgorithmTimings.Condition) -> any Operation {
        selector.tuned(
            prepared(stage: index, under: condition), workload: stages[index].workload, under: condition)
    }

    /// The fastest operation that is accurate enough. It is prepared on first use.
    private func prepared(stage index: Int, under condition: AlgorithmTimings.Condition) -> any Operation {
        let stage = stages[index]
        let ranking = selector.ranking(
            of: stage.algorithms, node: stage.node.name, workload: stage.workload, under: condition,
            sharing: condition == fullCondition ? nil : fullCondition)
        return made.withLock { made in
            for algorithm in ranking {
                let key = OperationKey(stage: index, algorithm: algorithm.name)
                if let operation = made.operations[key] { return operation }
                if made.refused.contains(key) { continue }
                let operation = algorithm.make(workers)
                if let relativeError = algorithm.relativeError,
                    !selector.isOverriding(algorithm, node: stage.node.name),
                    relativeError(operation, workers) > AlgorithmSelector.errorLimit
                {
                    made.refused.insert(key)
                    continue
                }
                made.operations[key] = operation
                return operation
            }
            preconditionFailure("no algorithm of \(stage.node.name) is precise enough")
        }
    }

    /// The plan for batches of one size.
    ///
    /// - Parameter threadCount: the number of threads that share each step.
    func plan(batchSize: Int, threadCount: Int) -> Plan {
        precondition(batchSize > 0, "a batch of \(batchSize) images")
        var lastUse: [Int: Int] = [outputValue: stages.count]
        for (step, stage) in stages.enumerated() {
            for input in stage.inputs { lastUse[input] = max(lastUse[input] ?? 0, step) }
        }
        var layout = ArenaLayout()
        var offsets: [Int: Int] = [:]
        offsets[0] = layout.place(
            count: network.inputShape.elementCount * batchSize, at: -1, lastUse: lastUse[0] ?? 0)
        var steps: [Plan.Step] = []
        var scratchByteCount = 0
        for (step, stage) in stages.enumerated() {
            let operation = operation(ofStage: step, under: condition(batchSize: batchSize, threadCount: threadCount))
            let offset = layout.place(
                count: network.shapes[stage.output - 1].elementCount * batchSize, at: step,
                lastUse: lastUse[stage.output] ?? step)
            offsets[stage.output] = offset
            scratchByteCount = max(scratchByteCount, operation.scratchByteCount(batchSize: batchSize))
            steps.append(
                Plan.Step(
                    node: stage.node.name, operation: operation,
                    inputOffsets: stage.inputs.map { offsets[$0] ?? 0 }, outputOffset: offset))
        }
        return Plan(
            batchSize: batchSize, steps: steps,
            inputOffset: offsets[0] ?? 0, outputOffset: offsets[outputValue] ?? 0,
            activationCount: layout.count,
            scratchStride: ArenaLayout.align(byteCount: scratchByteCount),
            threadCount: threadCount)
    }
}
