import Inference

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
        let savedOffset: Int
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

extension GradientPlan {
    /// Makes a plan, node by node.
    struct Builder {
        private let network: Network
        private let parameters: Parameters
        private let frozen: Set<String>
        private let batchSize: Int
        /// How many nodes read the output of each node; the network's input comes first.
        private let readerCount: [Int]
        /// Which values something learns behind.
        private var learns: [Bool] = [false]
        private(set) var steps: [Step] = []
        private(set) var values: [Value]
        /// The value that each node writes.
        private(set) var valueOfNode: [Int] = []
        /// Units: floats.
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

        /// Is the node a ReLU that the node before it computes?
        private func isFused(_ index: Int) -> Bool {
            let node = network.nodes[index]
            guard node.layer is ReLU, let input = node.inputs.first, input >= 0, readerCount[input + 1] == 1 else {
                return false
            }
            return network.nodes[input].layer.fusesActivation
        }

        /// The only node that reads a node's output, if there is only one.
        private func onlyReader(of index: Int) -> Int? {
            guard readerCount[index + 1] == 1 else { return nil }
            return network.nodes.indices.first { network.nodes[$0].inputs.contains(index) }
        }

        /// Does a pooling take over the ReLU's gradient?
        private func leavesGradient(_ index: Int) -> Bool {
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
                guard places <= MaxPoolDifferentiation.mostPlaces else {
                    throw .notDifferentiable(
                        layer: node.name,
                        reason: "its window has \(places) places, and \(MaxPoolDifferentiation.mostPlaces) is the most")
                }
            }
            let inputs = node.inputs.map { $0 == Network.input ? 0 : valueOfNode[$0] }
            let shapes = node.inputs.map { $0 == Network.input ? network.inputShape : network.shapes[$0] }
            let entries = parameters.entries(of: node.name)
            let trains = !entries.isEmpty && !frozen.contains(node.name)
            let fusesReader = onlyReader(of: index).map(isFused) ?? false
            let site = LayerContext(
                inputs: shapes, output: network.shapes[index], activation: fusesReader ? .relu : nil,
                fusesInputReLU: node.inputs[0] >= 0 && leavesGradient(node.inputs[0]), parameters: parameters,
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
                    skipsBackward: leavesGradient(index),
                    inputGradients: inputs.map { learns[$0] ? .written : .unwanted }))
        }

        /// Backwards through the steps: a gradient is needed from its first writer to the step that wrote the value.
        private mutating func placeGradients() {
            var layout = ArenaLayout()
            let base = count
            /// The step that wrote a value, counted backwards.
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
                // What nobody reads has no gradient to hand on.
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
