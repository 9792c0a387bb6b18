import Inference
import Threads

/// How a network learns: which operation passes through each node, and where values, gradients and scratch lie in memory.
///
/// Every value is kept until the backward pass is over. Gradients share memory as soon as they have been used.
struct GradientPlan {
    /// One node's operation on its memory. Units: floats.
    struct Step {
        let node: String
        let operation: any DifferentiableOperation
        /// Positions in ``values``.
        let inputs: [Int]
        let output: Int
        /// Tells this step's random choices from those of other steps.
        let salt: UInt64
        /// Where the operation remembers something.
        let keptOffset: Int
        /// The forward pass is the previous node's work, the backward pass the next one's.
        let skipsForward: Bool
        let skipsBackward: Bool
        /// For each input: what becomes of its gradient.
        var inputGradients: [InputGradient]
    }

    /// What an operation does with the gradient of one of its inputs.
    enum InputGradient: Equatable {
        /// Behind this input nothing learns.
        case unwanted
        /// It is written where it belongs.
        case written
        /// Another reader of the same value has written there: it is computed elsewhere and added. Units: floats.
        case added(scratchOffset: Int)
    }

    /// A value that flows through the network. Units: floats.
    struct Value {
        /// Of one example.
        let elementCount: Int
        /// nil for the network's input, which lies in memory of the caller's.
        let offset: Int?
        /// nil where nobody asks for the gradient.
        var gradientOffset: Int?
    }

    let steps: [Step]
    let values: [Value]
    let outputValue: Int
    let sharedOffset: Int
    let scratchOffset: Int
    let scratchStride: Int
    /// Units: floats.
    let count: Int

    /// - Parameter frozen: names of nodes whose parameters stay as they are.
    init(
        network: Network, parameters: Parameters, frozen: Set<String>, maxBatchSize: Int, workers: WorkerPool
    ) throws(TrainingError) {
        var builder = Builder(network: network, parameters: parameters, frozen: frozen, batchSize: maxBatchSize)
        try builder.build(workers)
        steps = builder.steps
        values = builder.values
        outputValue = builder.valueOfNode[builder.valueOfNode.count - 1]
        let scratchByteCount =
            steps.map { $0.operation.scratchByteCount(batchSize: maxBatchSize) }.max() ?? 0
        let sharedByteCount = steps.map { $0.operation.sharedByteCount(batchSize: maxBatchSize) }.max() ?? 0
        sharedOffset = builder.count
        scratchOffset = sharedOffset + ArenaLayout.align(byteCount: sharedByteCount)
        scratchStride = ArenaLayout.align(byteCount: scratchByteCount)
        count = scratchOffset + scratchStride * workers.threadCount
    }
}
