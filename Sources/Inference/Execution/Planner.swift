import Synchronization
import Threads

/// Makes the plans of a network, and keeps the operations that all its plans share.
final class Planner: Sendable {
    /// A layer to compute, with its algorithms.
    private struct Stage: Sendable {
        let node: Network.Node
        let algorithms: [Algorithm]
        /// See ``Layer/workload(for:)``; formats other than float32 are part of it.
        let workload: String
        let inputs: [AlgorithmTuner.Value]
        let output: AlgorithmTuner.Value
        /// The index of the value that the layer writes, and of those that it reads; see ``StageGraph``.
        let outputValue: Int
        let inputValues: [Int]
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
    /// The format of each value.
    private let formats: [ValueFormat]
    /// The index of the network's output; see ``StageGraph``.
    private let outputValue: Int

    /// - Parameters:
    ///   - batchLimit: the most images in one run.
    ///   - formats: the format of each value, if the network is a part of another; see ``StageGraph/formats(of:)``.
    init(
        network: Network, workers: WorkerPool, selector: AlgorithmSelector, batchLimit: Int,
        formats: [ValueFormat]? = nil
    ) {
        self.batchLimit = batchLimit
        self.network = network
        self.workers = workers
        self.selector = selector
        let graph = StageGraph(network)
        let formats = formats ?? graph.formats(of: network)
        self.formats = formats
        outputValue = graph.output
        stages = graph.stages.map { stage in
            let node = network.nodes[stage.node]
            let shapes = network.inputShapes(of: node)
            let inputs = zip(shapes, stage.inputs).map {
                AlgorithmTuner.Value(count: $0.elementCount, format: formats[$1])
            }
            let output = AlgorithmTuner.Value(
                count: network.shapes[stage.node].elementCount, format: formats[stage.output])
            return Stage(
                node: node, algorithms: node.layer.algorithms(for: shapes, activation: stage.activation),
                workload: node.layer.workload(for: shapes) + (inputs[0].format == .float32 ? "" : ", from bytes")
                    + (inputs.dropFirst().allSatisfy { $0.format == .float32 } ? "" : ", adding bytes")
                    + (output.format == .float32 ? "" : ", to bytes"),
                inputs: inputs, output: output, outputValue: stage.output, inputValues: stage.inputs)
        }
    }

    /// The format of the network's input and of its output.
    var inputFormat: ValueFormat { formats[0] }
    var outputFormat: ValueFormat { formats[outputValue] }

    /// The measured condition closest to a plan's. Two conditions are measured: one image on all threads; and a nearly full
    /// batch, on one thread if each thread runs its own images.
    private func condition(batchSize: Int, threadCount: Int) -> AlgorithmTimings.Condition {
        let full = fullCondition
        let isLone = threadCount > full.threadCount || batchSize < full.batchSize / 2
        return isLone ? loneCondition : full
    }

    private var loneCondition: AlgorithmTimings.Condition { .init(batchSize: 1, threadCount: workers.threadCount) }
    /// Between the limit, which large batches come to, and the half of it that batches of eight come to on two threads.
    private var fullCondition: AlgorithmTimings.Condition {
        batchLimit == .max
            ? .init(batchSize: Self.wholeBatch, threadCount: workers.threadCount)
            : .init(batchSize: max(1, batchLimit * 3 / 4), threadCount: 1)
    }

    /// The batch size that is measured where a section takes the whole batch. Units: images.
    private static let wholeBatch = 16

    /// Measures the algorithms whose times are unknown, within the tuner's time limit.
    func measure(with tuner: AlgorithmTuner) {
        for stage in stages {
            let unknown = [loneCondition, fullCondition].filter {
                selector.timings.times(of: stage.workload, under: $0) == nil
            }
            guard !unknown.isEmpty else { continue }
            let measured = tuner.measure(
                stage.algorithms, inputs: stage.inputs, output: stage.output, under: unknown)
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
            for input in stage.inputValues { lastUse[input] = max(lastUse[input] ?? 0, step) }
        }
        var layout = ArenaLayout()
        var offsets: [Int: Int] = [:]
        offsets[0] = layout.place(
            count: OperationRun.floatCount(network.inputShape.elementCount * batchSize, in: formats[0]), at: -1,
            lastUse: lastUse[0] ?? 0)
        var steps: [Plan.Step] = []
        var scratchByteCount = 0
        for (step, stage) in stages.enumerated() {
            let operation = operation(ofStage: step, under: condition(batchSize: batchSize, threadCount: threadCount))
            let offset = layout.place(
                count: OperationRun.floatCount(stage.output.count * batchSize, in: stage.output.format), at: step,
                lastUse: lastUse[stage.outputValue] ?? step)
            offsets[stage.outputValue] = offset
            scratchByteCount = max(scratchByteCount, operation.scratchByteCount(batchSize: batchSize))
            steps.append(
                Plan.Step(
                    node: stage.node.name, operation: operation,
                    inputOffsets: stage.inputValues.map { offsets[$0] ?? 0 }, outputOffset: offset,
                    inputFormats: stage.inputs.map(\.format), outputFormat: stage.output.format))
        }
        return Plan(
            batchSize: batchSize, steps: steps,
            inputOffset: offsets[0] ?? 0, outputOffset: offsets[outputValue] ?? 0,
            activationCount: layout.count,
            scratchStride: ArenaLayout.align(byteCount: scratchByteCount),
            threadCount: threadCount)
    }
}
