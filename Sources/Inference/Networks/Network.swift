/// A network: a directed acyclic graph of layers.
///
/// The nodes are in topological order: each comes after the nodes that feed it. The last node's output is the
/// network's. Every network is made by ``NetworkBuilder``, which checks the shapes.
public struct Network: Sendable {
    /// One layer and its inputs in the graph.
    public struct Node: Sendable {
        /// The prefix of the layer's parameters in the checkpoint, such as `features.0`. A layer without parameters has
        /// a name of its own, such as `pool1`.
        public let name: String
        /// The layer that the node computes.
        public let layer: any Layer
        /// The indices of the nodes that feed this one; ``Network/input`` means the network's input.
        public let inputs: [Int]

        /// A node that the nodes at `inputs` feed.
        public init(name: String, layer: any Layer, inputs: [Int]) {
            self.name = name
            self.layer = layer
            self.inputs = inputs
        }
    }

    /// The index that means the network's input in ``Node/inputs``.
    public static let input = -1

    /// The shape of one input, `[C, H, W]`.
    public let inputShape: Shape
    /// The nodes, in topological order.
    public let nodes: [Node]
    /// The shape of each node's output, without the batch axis.
    public let shapes: [Shape]
    /// The number of learned scalars.
    public let parameterCount: Int

    /// For ``NetworkBuilder``, which has checked the shapes.
    ///
    /// - Parameter parameterCount: nil to count the layers' parameters.
    init(inputShape: Shape, nodes: [Node], shapes: [Shape], parameterCount: Int?) {
        precondition(!nodes.isEmpty, "a network needs a layer")
        self.inputShape = inputShape
        self.nodes = nodes
        self.shapes = shapes
        self.parameterCount = parameterCount ?? nodes.reduce(0) { $0 + $1.layer.parameterCount }
    }

    /// A network of these nodes, which must be in topological order.
    ///
    /// - Throws: ``ShapeError`` for the first layer that cannot take its inputs.
    public init(inputShape: Shape, nodes: [Node]) throws(ShapeError) {
        var builder = NetworkBuilder(inputShape: inputShape)
        for node in nodes { try builder.add(node.name, node.layer, from: node.inputs) }
        self = builder.network()
    }

    /// A chain, in which each layer feeds the next.
    ///
    /// - Throws: ``ShapeError`` for the first layer that cannot take its input.
    public init(inputShape: Shape, chain: [(name: String, layer: any Layer)]) throws(ShapeError) {
        var builder = NetworkBuilder(inputShape: inputShape)
        for (name, layer) in chain { try builder.add(name, layer) }
        self = builder.network()
    }

    /// The shape of one output: `[K]` for a classifier of K classes.
    public var outputShape: Shape { shapes[shapes.count - 1] }

    /// The shapes of a node's inputs, without the batch axis.
    public func inputShapes(of node: Node) -> [Shape] {
        node.inputs.map { $0 == Self.input ? inputShape : shapes[$0] }
    }

    /// The names of the algorithms that can compute a layer; nil if there is no layer of that name.
    func algorithmNames(of name: String) -> [String]? {
        guard let node = nodes.first(where: { $0.name == name }) else { return nil }
        return node.layer.algorithms(for: inputShapes(of: node), activation: nil).map(\.name)
    }

    /// Computes every layer by its naive loop: the reference for ``Engine``.
    ///
    /// Shape: input `[N, C, H, W]`, output `[N, K]`.
    public func callAsFunction(_ input: Tensor) -> Tensor {
        var outputs: [Tensor] = []
        for node in nodes {
            outputs.append(node.layer(node.inputs.map { $0 == Self.input ? input : outputs[$0] }))
        }
        return outputs[outputs.count - 1]
    }
}

// MARK: Transformations

extension Network {
    /// The same network with each layer replaced.
    ///
    /// - Precondition: each new layer has the input and output shapes of the old one.
    package func mapLayers(_ layer: (Node) -> any Layer) -> Network {
        var builder = NetworkBuilder(inputShape: inputShape)
        for node in nodes { builder.addKnown(node.name, layer(node), from: node.inputs) }
        return builder.network()
    }

    /// Splits the network in two before a node.
    ///
    /// - Returns: nil if a part would be empty, or if the tail reads any value of the head except its output.
    func split(before cut: Int) -> (head: Network, tail: Network)? {
        guard cut > 0, cut < nodes.count, nodes[cut...].allSatisfy({ $0.inputs.allSatisfy { $0 >= cut - 1 } })
        else { return nil }
        // The head's output, node cut − 1, becomes the tail's input, −1.
        let tail = nodes[cut...].map { node in
            Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 - cut })
        }
        guard let head = try? Network(inputShape: inputShape, nodes: Array(nodes[..<cut])),
            let tail = try? Network(inputShape: shapes[cut - 1], nodes: tail)
        else { return nil }
        return (head, tail)
    }

    /// Splits the network before the first node that fulfils a condition on itself and on the shape of its input; nil
    /// if no such split is possible.
    func split(beforeFirst condition: (Node, Shape) -> Bool) -> (head: Network, tail: Network)? {
        for cut in nodes.indices.dropFirst()
        where nodes[cut].inputs.contains(cut - 1) && condition(nodes[cut], shapes[cut - 1]) {
            if let parts = split(before: cut) { return parts }
        }
        return nil
    }

    /// The same network with batch normalisation folding: each one directly after a convolution is folded into it, if
    /// the convolution feeds nothing else. Normalisations after other layers stay.
    ///
    /// ``parameterCount`` does not change, since it counts learned scalars.
    func foldingNormalizations() -> Network {
        fusing { first, second in
            guard let convolution = first as? Conv2d, let normalization = second as? BatchNorm2d else { return nil }
            return convolution.folding(normalization)
        }
    }

    /// The same network with each sum of two values fused into the convolution directly before it, if the convolution
    /// feeds nothing else.
    ///
    /// - Parameter isFused: which convolutions to fuse; those that are as fast by default.
    func fusingSums(where isFused: (Conv2d) -> Bool = SummedConv2d.isFast) -> Network {
        fusing { first, second in
            guard let convolution = first as? Conv2d, second is Add, isFused(convolution) else { return nil }
            return SummedConv2d(convolution)
        }
    }

    /// Replaces pairs of nodes by one node with the first one's name. In each pair, the first node feeds only the
    /// second.
    ///
    /// - Parameter fused: the layer that computes both; nil to keep the pair. The layer takes the inputs of the first
    ///   node, followed by the other inputs of the second.
    private func fusing(_ fused: (_ first: any Layer, _ second: any Layer) -> (any Layer)?) -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input != Self.input { readerCount[input] += 1 }
        var builder = NetworkBuilder(inputShape: inputShape)
        // For each old node, the index of the new node that computes its value.
        var places: [Int] = []
        func place(of input: Int) -> Int { input == Self.input ? input : places[input] }
        for node in nodes {
            let first = node.inputs.first { input in
                input != Self.input && readerCount[input] == 1 && places[input] == builder.last
            }
            if let first, node.inputs.count <= 2, let layer = fused(nodes[first].layer, node.layer) {
                let others = node.inputs.filter { $0 != first }
                builder.replaceLast(with: layer, adding: others.map(place))
            } else {
                builder.addKnown(node.name, node.layer, from: node.inputs.map(place))
            }
            places.append(builder.last)
        }
        return builder.network(parameterCount: parameterCount)
    }
}
