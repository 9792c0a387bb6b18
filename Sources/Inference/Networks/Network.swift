/// A network: layers, and which feeds which.
///
/// Nodes are in topological order, so that each comes after those that feed it; the last node's output is the
/// network's. ``NetworkBuilder`` makes every network, and checks the shapes.
public struct Network: Sendable {
    /// One layer at its place in the graph.
    public struct Node: Sendable {
        /// The name that the layer's parameters have in the checkpoint, as `features.0`, or a name of its kind, as
        /// `pool1`.
        public let name: String
        /// What the node computes.
        public let layer: any Layer
        /// The indices of the nodes that feed this one; ``Network/input`` stands for the network's own input.
        public let inputs: [Int]

        /// A layer that the nodes at `inputs` feed.
        public init(name: String, layer: any Layer, inputs: [Int]) {
            self.name = name
            self.layer = layer
            self.inputs = inputs
        }
    }

    /// Stands for the network's input among a node's ``Node/inputs``.
    public static let input = -1

    /// Shape: `[C, H, W]`.
    public let inputShape: Shape
    /// In topological order.
    public let nodes: [Node]
    /// The shape of each node's output, without the batch axis.
    public let shapes: [Shape]
    /// How many numbers were learned.
    public let parameterCount: Int

    /// For ``NetworkBuilder``, which knows that each shape is its node's.
    ///
    /// - Parameter parameterCount: nil for what the layers hold now.
    init(inputShape: Shape, nodes: [Node], shapes: [Shape], parameterCount: Int?) {
        precondition(!nodes.isEmpty, "a network needs a layer")
        self.inputShape = inputShape
        self.nodes = nodes
        self.shapes = shapes
        self.parameterCount = parameterCount ?? nodes.reduce(0) { $0 + $1.layer.parameterCount }
    }

    /// A network of these nodes, which stand in topological order.
    ///
    /// - Throws: ``ShapeError`` at the first layer that cannot take what feeds it.
    public init(inputShape: Shape, nodes: [Node]) throws(ShapeError) {
        var builder = NetworkBuilder(inputShape: inputShape)
        for node in nodes { try builder.add(node.name, node.layer, from: node.inputs) }
        self = builder.network()
    }

    /// A chain: each layer is fed by the one before.
    ///
    /// - Throws: ``ShapeError`` at the first layer that cannot take what feeds it.
    public init(inputShape: Shape, chain: [(name: String, layer: any Layer)]) throws(ShapeError) {
        var builder = NetworkBuilder(inputShape: inputShape)
        for (name, layer) in chain { try builder.add(name, layer) }
        self = builder.network()
    }

    /// Shape: `[K]` for a classifier of K classes.
    public var outputShape: Shape { shapes[shapes.count - 1] }

    /// The shapes of what feeds a node, without the batch axis.
    public func inputShapes(of node: Node) -> [Shape] {
        node.inputs.map { $0 == Self.input ? inputShape : shapes[$0] }
    }

    /// The names of the algorithms that compute a layer; nil where there is no layer of that name.
    func algorithmNames(of name: String) -> [String]? {
        guard let node = nodes.first(where: { $0.name == name }) else { return nil }
        return node.layer.algorithms(for: inputShapes(of: node), activation: nil).map(\.name)
    }

    /// Runs every layer by its textbook loop: the reference for ``Engine``.
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

// MARK: Networks made of networks

extension Network {
    /// The same network with other layers in the places of the old ones.
    ///
    /// - Precondition: each new layer takes and gives the shapes of the old one.
    package func mapLayers(_ layer: (Node) -> any Layer) -> Network {
        var builder = NetworkBuilder(inputShape: inputShape)
        for node in nodes { builder.addKnown(node.name, layer(node), from: node.inputs) }
        return builder.network()
    }

    /// Cuts the network in two before a node.
    ///
    /// - Returns: nil where a part would be empty, or where the tail reads any value of the head but its output.
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

    /// Cuts before the first node that fulfils a condition on itself and the shape of its input; nil where none can be
    /// cut off.
    func split(beforeFirst condition: (Node, Shape) -> Bool) -> (head: Network, tail: Network)? {
        for cut in nodes.indices.dropFirst()
        where nodes[cut].inputs.contains(cut - 1) && condition(nodes[cut], shapes[cut - 1]) {
            if let parts = split(before: cut) { return parts }
        }
        return nil
    }

    /// The same network with each batch normalisation folded into the convolution right before it, where that feeds
    /// nothing else; normalisations behind other layers stay.
    ///
    /// ``parameterCount`` keeps its value: that many numbers were learned.
    func foldingNormalizations() -> Network {
        fusing { first, second in
            guard let convolution = first as? Conv2d, let normalization = second as? BatchNorm2d else { return nil }
            return convolution.folding(normalization)
        }
    }

    /// The same network with each sum of two values computed by the pointwise convolution right before it, where that
    /// feeds nothing else.
    func fusingSums() -> Network {
        fusing { first, second in
            guard let convolution = first as? Conv2d, second is Add, SummedConv2d.computes(convolution) else {
                return nil
            }
            return SummedConv2d(convolution)
        }
    }

    /// Replaces pairs of nodes, of which the first feeds the second alone, by one node with the first one's name.
    ///
    /// - Parameter fused: the layer that computes both, which takes the inputs of the first and then the other inputs
    ///   of the second; nil where the two stay apart.
    private func fusing(_ fused: (_ first: any Layer, _ second: any Layer) -> (any Layer)?) -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input != Self.input { readerCount[input] += 1 }
        var builder = NetworkBuilder(inputShape: inputShape)
        // For each old node, the new one that computes its value.
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
