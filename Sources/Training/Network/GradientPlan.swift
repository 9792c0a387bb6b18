import Inference
import Threads

/// The plan of a training step: the operation of each node, and the memory offsets of values, gradients and scratch
/// memory.
///
/// Every value is kept until the backward pass is over. A gradient's memory is reused after it has been read.
struct GradientPlan {
    /// The operation and the memory of one node. Units of offsets: floats.
    struct Step {
        /// The node's name.
        let node: String
        /// The node's forward and backward passes.
        let operation: any DifferentiableOperation
        /// The inputs, as indices in ``values``.
        let inputs: [Int]
        /// The output, as an index in ``values``.
        let output: Int
        /// Mixed into the seed, so that this step's random choices differ from those of other steps.
        let salt: UInt64
        /// The offset of the memory that the forward pass saves for the backward pass. Units: floats.
        let savedOffset: Int
        /// Whether the forward pass is skipped: this is a fused ReLU, which the previous node computes.
        let skipsForward: Bool
        /// Whether the backward pass is skipped: this is a ReLU whose gradient the next node computes.
        let skipsBackward: Bool
        /// How the gradient of each input is written.
        var inputGradients: [InputGradient]
    }

    /// How an operation writes the gradient of one of its inputs.
    enum InputGradient: Equatable {
        /// It is not written, because nothing before this input is trained.
        case unwanted
        /// It is written to the value's gradient.
        case written
        /// It is written to scratch memory and then added, because another reader of the value has already written its
        /// gradient. Units: floats.
        case added(scratchOffset: Int)
    }

    /// A value between two nodes. Units: floats.
    struct Value {
        /// The number of scalars of one example.
        let elementCount: Int
        /// The offset in memory; nil for the network's input, which is in the caller's memory. Units: floats.
        let offset: Int?
        /// The offset of the gradient; nil if no gradient is needed. Units: floats.
        var gradientOffset: Int?
    }

    /// The steps, in the order of the forward pass.
    let steps: [Step]
    /// The values, starting with the network's input.
    let values: [Value]
    /// The index of the logits in ``values``.
    let outputValue: Int
    /// The offset of the scratch memory that all threads share. Units: floats.
    let sharedOffset: Int
    /// The offset of the first thread's scratch memory. Units: floats.
    let scratchOffset: Int
    /// The distance between two threads' scratch memory. Units: floats.
    let scratchStride: Int
    /// The total size of the memory. Units: floats.
    let count: Int

    /// - Parameter frozen: names of nodes whose parameters are not trained.
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

extension GradientPlan {
    /// Builds a plan, node by node.
    struct Builder {
        private let network: Network
        private let parameters: Parameters
        private let frozen: Set<String>
        private let batchSize: Int
        /// The number of nodes that read each node's output, starting with the network's input.
        private let readerCount: [Int]
        /// Whether any parameter before a value is trained, for each value.
        private var learns: [Bool] = [false]
        private(set) var steps: [Step] = []
        private(set) var values: [Value]
        /// The index of the value that each node writes.
        private(set) var valueOfNode: [Int] = []
        /// The memory allocated so far. Units: floats.
        private(set) var count = 0

        init(network: Network, parameters: Parameters, frozen: Set<String>, batchSize: Int) {
            self.network = network
            self.parameters = parameters
            self.frozen = frozen
            self.batchSize = batchSize
            values = [Value(elementCount: network.inputShape.elementCount, offset: nil, gradientOffset: nil)]
            var readerCount = [Int](repeating: 0, count: network.nodes.count + 1)
            for input in network.nodes.flatMap(\.inputs) { readerCount[input + 1] += 1 }
            self.readerCount = readerCount
        }

        mutating func build(_ workers: WorkerPool) throws(TrainingError) {
            for index in network.nodes.indices { try append(index, workers) }
            placeGradients()
        }

        private mutating func place(_ elementCount: Int) -> Int {
            defer { count += ArenaLayout.align(elementCount) }
            return count
        }

        /// Whether the node is a ReLU whose forward pass is fused into the node before it.
        private func isFused(_ index: Int) -> Bool {
            let node = network.nodes[index]
            guard node.layer is ReLU, let input = node.inputs.first, input >= 0, readerCount[input + 1] == 1 else {
                return false
            }
            return network.nodes[input].layer.fusesActivation
        }

        /// The only node that reads a node's output; nil if there are several or none.
        private func onlyReader(of index: Int) -> Int? {
            guard readerCount[index + 1] == 1 else { return nil }
            return network.nodes.indices.first { network.nodes[$0].inputs.contains(index) }
        }

        /// Whether the node is a ReLU whose backward pass is fused into the max pooling after it.
        private func isGradientFused(_ index: Int) -> Bool {
            guard network.nodes[index].layer is ReLU, let reader = onlyReader(of: index) else { return false }
            return network.nodes[reader].layer is MaxPool2d
        }

        private mutating func append(_ index: Int, _ workers: WorkerPool) throws(TrainingError) {
            let node = network.nodes[index]
            guard let layer = node.layer as? any DifferentiableLayer else {
                throw .notDifferentiable(layer: node.name, reason: "\(type(of: node.layer)) has no gradient")
            }
            if let pool = node.layer as? MaxPool2d {
                let places = pool.window.kernelSize.height * pool.window.kernelSize.width
                guard places <= MaxPoolDifferentiation.maxWindowArea else {
                    throw .notDifferentiable(
                        layer: node.name,
                        reason:
                            "its window has \(places) pixels, but at most \(MaxPoolDifferentiation.maxWindowArea) are "
                            + "supported")
                }
            }
            let inputs = node.inputs.map { $0 == Network.input ? 0 : valueOfNode[$0] }
            let shapes = node.inputs.map { $0 == Network.input ? network.inputShape : network.shapes[$0] }
            let entries = parameters.entries(of: node.name)
            let trains = !entries.isEmpty && !frozen.contains(node.name)
            let fusesReader = onlyReader(of: index).map(isFused) ?? false
            let site = LayerContext(
                inputs: shapes, output: network.shapes[index], activation: fusesReader ? .relu : nil,
                fusesInputReLU: node.inputs[0] >= 0 && isGradientFused(node.inputs[0]), parameters: parameters,
                entries: entries, wantsParameterGradients: trains,
                wantsInputGradient: inputs.contains { learns[$0] })
            let operation = layer.differentiable(site)
            operation.prepare(workers)
            let isInPlace = operation.worksInPlace && node.inputs[0] >= 0 && readerCount[node.inputs[0] + 1] == 1
            if isInPlace {
                valueOfNode.append(inputs[0])
            } else {
                let elementCount = network.shapes[index].elementCount
                values.append(
                    Value(elementCount: elementCount, offset: place(elementCount * batchSize), gradientOffset: nil))
                learns.append(trains || inputs.contains { learns[$0] })
                valueOfNode.append(values.count - 1)
            }
            let savedByteCount = operation.savedByteCount(batchSize: batchSize)
            let savedOffset = place(ArenaLayout.align(byteCount: savedByteCount))
            steps.append(
                Step(
                    node: node.name, operation: operation, inputs: inputs, output: valueOfNode[index],
                    salt: UInt64(index), savedOffset: savedOffset, skipsForward: isFused(index),
                    skipsBackward: isGradientFused(index),
                    inputGradients: inputs.map { learns[$0] ? .written : .unwanted }))
        }

        /// Places the gradients, from the last step to the first. A gradient lives from its first writer to the step
        /// that wrote the value.
        private mutating func placeGradients() {
            var layout = ArenaLayout()
            let base = count
            /// The step that wrote each value, counted backwards.
            var writers: [Int: Int] = [:]
            for (index, step) in steps.enumerated() where writers[step.output] == nil {
                writers[step.output] = steps.count - 1 - index
            }
            func place(_ value: Int, at time: Int) {
                guard values[value].gradientOffset == nil else { return }
                values[value].gradientOffset =
                    base
                    + layout.place(
                        count: values[value].elementCount * batchSize, at: time, lastUse: writers[value] ?? time)
            }
            if let last = valueOfNode.last { place(last, at: 0) }
            for (time, index) in steps.indices.reversed().enumerated() {
                let step = steps[index]
                // A value that nothing reads has no gradient to propagate.
                let isRead = values[step.output].gradientOffset != nil
                var gradients = isRead ? step.inputGradients : step.inputs.map { _ in .unwanted }
                for (position, input) in step.inputs.enumerated() {
                    guard gradients[position] == .written, input != step.output else { continue }
                    if values[input].gradientOffset == nil {
                        place(input, at: time)
                    } else {
                        let elementCount = values[input].elementCount * batchSize
                        gradients[position] = .added(
                            scratchOffset: base + layout.place(count: elementCount, at: time, lastUse: time))
                    }
                }
                steps[index].inputGradients = gradients
            }
            count += layout.count
        }
    }
}
