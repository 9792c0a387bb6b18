import Inference
import Threads

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

        /// Is the node a rectifier that the node before it computes?
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

        /// Does a pooling take over the rectifier's gradient?
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
            let site = LayerSite(
                inputs: shapes, output: network.shapes[index], activation: fusesReader ? .relu : nil,
                rectifiedInput: node.inputs[0] >= 0 && leavesGradient(node.inputs[0]), parameters: parameters,
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
            let keptByteCount = operation.keptByteCount(batchSize: batchSize)
            let keptOffset = place(ArenaLayout.align(byteCount: keptByteCount))
            steps.append(
                Step(
                    node: node.name, operation: operation, inputs: inputs, output: valueOfNode[index],
                    salt: UInt64(index), keptOffset: keptOffset, skipsForward: isFused(index),
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
