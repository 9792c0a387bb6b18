import Synchronization

/// Makes plans for a network; keeps the operations, which all plans share.
final class Planner: Sendable {
    /// A layer that is computed, together with an activation that rides on it.
    private struct Stage: Sendable {
        let node: Network.Node
        let algorithms: [Algorithm]
        /// The value it writes, and those it reads.
        let output: Int
        let inputs: [Int]
    }

    private struct OperationKey: Hashable {
        let stage: Int
        let algorithm: String
    }

    private let network: Network
    private let selector: AlgorithmSelector
    private let workers: WorkerPool
    private let stages: [Stage]
    /// Those that some plan chose, by stage and algorithm.
    private let operations = Mutex<[OperationKey: any Operation]>([:])
    /// The value that holds the network's output. Value 0 is its input; value n + 1 is written by node n.
    private let outputValue: Int

    init(network: Network, workers: WorkerPool, selector: AlgorithmSelector) {
        self.network = network
        self.workers = workers
        self.selector = selector
        // Views and fused activations write nothing: they are other names of a value.
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
            stages.append(Stage(node: node, algorithms: algorithms, output: index + 1, inputs: inputs))
            values.append(index + 1)
        }
        self.stages = stages
        outputValue = values[values.count - 1]
    }

    /// The rectifier that reads a node's output, if it is the only one to do so and the layer can compute it.
    private static func fusedActivation(after index: Int, in network: Network) -> Int? {
        guard network.nodes[index].layer.fusesActivation else { return nil }
        let readers = network.nodes.indices.filter { network.nodes[$0].inputs.contains(index) }
        guard readers.count == 1, network.nodes[readers[0]].layer is ReLU else { return nil }
        return readers[0]
    }

    private func operation(_ algorithm: Algorithm, ofStage stage: Int) -> any Operation {
        operations.withLock { operations in
            let key = OperationKey(stage: stage, algorithm: algorithm.name)
            if let operation = operations[key] { return operation }
            let operation = algorithm.make(workers)
            operations[key] = operation
            return operation
        }
    }

    /// - Parameter threadCount: how many threads share each step.
    ///
    /// Shape: for batches `[batchSize, C, H, W]`.
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
        var (scratchByteCount, sharedByteCount) = (0, 0)
        for (step, stage) in stages.enumerated() {
            let choice = selector.select(from: stage.algorithms, node: stage.node.name, batchSize: batchSize)
            let operation = operation(stage.algorithms[choice], ofStage: step)
            let offset = layout.place(
                count: network.shapes[stage.output - 1].elementCount * batchSize, at: step,
                lastUse: lastUse[stage.output] ?? step)
            offsets[stage.output] = offset
            scratchByteCount = max(scratchByteCount, operation.scratchByteCount(batchSize: batchSize))
            sharedByteCount = max(sharedByteCount, operation.sharedByteCount(batchSize: batchSize))
            steps.append(
                Plan.Step(
                    node: stage.node.name, operation: operation,
                    inputOffsets: stage.inputs.map { offsets[$0] ?? 0 }, outputOffset: offset))
        }
        return Plan(
            batchSize: batchSize, steps: steps,
            inputOffset: offsets[0] ?? 0, outputOffset: offsets[outputValue] ?? 0,
            activationCount: layout.count,
            sharedCount: ArenaLayout.align(byteCount: sharedByteCount),
            scratchStride: ArenaLayout.align(byteCount: scratchByteCount),
            threadCount: threadCount)
    }
}
