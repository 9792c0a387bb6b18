/// The layers of a network that are computed. Views and fused activations write no value of their own; they are aliases of
/// the value that they read.
///
/// Value 0 is the network's input; node n writes value n + 1.
struct StageGraph: Sendable {
    /// A layer to compute, with the activation that is fused into it.
    struct Stage: Sendable {
        /// The index of the layer's node.
        let node: Int
        let activation: Activation?
        /// The values that the layer reads.
        let inputs: [Int]
        /// The value that the layer writes.
        var output: Int { node + 1 }
    }

    let stages: [Stage]
    /// For each value, the value that is stored: itself unless it is an alias.
    let stored: [Int]

    init(_ network: Network) {
        var stored = [0]
        var stages: [Stage] = []
        var fused: Set<Int> = []
        for (index, node) in network.nodes.enumerated() {
            let inputs = node.inputs.map { stored[$0 + 1] }
            if node.layer.isView(of: network.inputShapes(of: node)) || fused.contains(index) {
                stored.append(inputs[0])
                continue
            }
            let follower = Self.fusedActivation(after: index, in: network)
            if let follower { fused.insert(follower) }
            stages.append(Stage(node: index, activation: follower == nil ? nil : .relu, inputs: inputs))
            stored.append(index + 1)
        }
        self.stages = stages
        self.stored = stored
    }

    /// The stored value that is the network's output.
    var output: Int { stored[stored.count - 1] }

    /// The index of the ReLU after a node, if it can be fused into it: it must be the only reader of the node's output.
    private static func fusedActivation(after index: Int, in network: Network) -> Int? {
        guard network.nodes[index].layer.fusesActivation else { return nil }
        let readers = network.nodes.indices.filter { network.nodes[$0].inputs.contains(index) }
        guard readers.count == 1, network.nodes[readers[0]].layer is ReLU else { return nil }
        return readers[0]
    }

    /// The format of each value of the network, aliases included.
    ///
    /// A value is stored in bytes if a layer writes it that can, and all its readers would quantize it in the same way.
    func formats(of network: Network) -> [ValueFormat] {
        var kept: Set<Int> = [output]
        while true {
            let formats = formats(of: network, keeping: kept)
            // What a layer passes on has one format. If that is not bytes, its inputs in bytes have to be float32 as well.
            let mixed = stages.filter { stage in
                network.nodes[stage.node].layer.passesBytes && formats[stage.output] == .float32
            }.flatMap(\.inputs).filter { formats[$0] != .float32 }
            if mixed.isEmpty { return stored.map { formats[$0] } }
            kept.formUnion(mixed)
        }
    }

    /// The formats if some values are kept in float32. The inputs of a layer that passes bytes on may be mixed.
    private func formats(of network: Network, keeping kept: Set<Int>) -> [ValueFormat] {
        var wanted = Dictionary(uniqueKeysWithValues: kept.map { ($0, ValueFormat.float32) })
        func want(_ quantization: InputQuantization?, else format: ValueFormat, of value: Int) {
            let format = quantization.map(ValueFormat.bytes) ?? format
            wanted[value] = wanted[value].map { $0 == format ? format : .float32 } ?? format
        }
        for stage in stages.reversed() {
            let layer = network.nodes[stage.node].layer
            let passed = layer.passesBytes ? wanted[stage.output] ?? .float32 : .float32
            want(layer.inputQuantization, else: passed, of: stage.inputs[0])
            for input in stage.inputs.dropFirst() { want(layer.addendQuantization, else: passed, of: input) }
        }
        var formats = [ValueFormat](repeating: .float32, count: stored.count)
        for stage in stages {
            let layer = network.nodes[stage.node].layer
            let format = wanted[stage.output] ?? .float32
            let isWritten =
                layer.inputQuantization != nil
                || layer.passesBytes && stage.inputs.allSatisfy { formats[$0] == format }
            formats[stage.output] = isWritten ? format : .float32
        }
        return formats
    }
}
