/// A network: layers, and which feeds which.
///
/// The nodes stand in an order in which each comes after what it needs; the last one's output is the network's.
public struct Network: Sendable {
    /// One layer at its place.
    public struct Node: Sendable {
        /// The name its parameters have in the checkpoint, as `features.0`, or the layer's kind.
        public let name: String
        /// What the node computes.
        public let layer: any Layer
        /// Positions of the nodes that feed it; ``Network/input`` is the network's own input.
        public let inputs: [Int]

        /// A layer that is fed by the nodes at `inputs`.
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
    /// Each behind those that feed it.
    public let nodes: [Node]
    /// The output of each node, without the batch axis.
    public let shapes: [Shape]
    /// How many numbers were learned.
    public let parameterCount: Int

    /// Checks that every layer can take what it is fed.
    ///
    /// - Throws: ``ShapeError`` at the first that cannot.
    public init(inputShape: Shape, nodes: [Node]) throws(ShapeError) {
        precondition(!nodes.isEmpty, "a network needs a layer")
        var shapes: [Shape] = []
        for (index, node) in nodes.enumerated() {
            precondition(
                node.inputs.allSatisfy { $0 >= Self.input && $0 < index }, "\(node.name) comes before what it needs")
            shapes.append(
                try node.layer.outputShape(for: node.inputs.map { $0 == Self.input ? inputShape : shapes[$0] }))
        }
        self.init(inputShape: inputShape, nodes: nodes, shapes: shapes)
    }

    /// A chain: each layer is fed by the one before.
    public init(inputShape: Shape, chain: [(name: String, layer: any Layer)]) throws(ShapeError) {
        try self.init(
            inputShape: inputShape,
            nodes: chain.enumerated().map { Node(name: $1.name, layer: $1.layer, inputs: [$0 - 1]) })
    }

    /// The same network with other layers in the old ones' places, which take and give the same shapes.
    package func mapLayers(_ layer: (Node) -> any Layer) -> Network {
        Network(
            inputShape: inputShape,
            nodes: nodes.map { Node(name: $0.name, layer: layer($0), inputs: $0.inputs) }, shapes: shapes)
    }

    /// - Parameter parameterCount: nil for what the layers hold now.
    init(inputShape: Shape, nodes: [Node], shapes: [Shape], parameterCount: Int? = nil) {
        self.inputShape = inputShape
        self.nodes = nodes
        self.shapes = shapes
        self.parameterCount = parameterCount ?? nodes.reduce(0) { $0 + $1.layer.parameterCount }
    }

    /// Shape: `[K]` for a classifier of K classes.
    public var outputShape: Shape { shapes[shapes.count - 1] }

    /// The algorithms that compute a layer; nil where there is no layer of that name.
    func algorithmNames(of name: String) -> [String]? {
        guard let node = nodes.first(where: { $0.name == name }) else { return nil }
        return node.layer.algorithms(for: inputShapes(of: node), activation: nil).map(\.name)
    }

    /// What feeds a node. Shape: without the batch axis.
    public func inputShapes(of node: Node) -> [Shape] {
        node.inputs.map { $0 == Self.input ? inputShape : shapes[$0] }
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

extension Network {
    /// Cuts the network in two before a node, where one value alone goes across, however often it is read there; nil where more
    /// does, or nothing is left on one side.
    func split(before cut: Int) -> (head: Network, tail: Network)? {
        guard cut > 0, cut < nodes.count, nodes[cut...].allSatisfy({ $0.inputs.allSatisfy { $0 >= cut - 1 } })
        else { return nil }
        // What goes across is the tail's input, whose index is one below that of its first node.
        let behind = nodes[cut...].map { node in
            Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 - cut })
        }
        guard let head = try? Network(inputShape: inputShape, nodes: Array(nodes[..<cut])),
            let tail = try? Network(inputShape: shapes[cut - 1], nodes: behind)
        else { return nil }
        return (head, tail)
    }

    /// The first cut that a condition on a node and the shape of its input allows; nil where there is none.
    func split(beforeFirst condition: (Node, Shape) -> Bool) -> (head: Network, tail: Network)? {
        for cut in nodes.indices.dropFirst()
        where nodes[cut].inputs.contains(cut - 1) && condition(nodes[cut], shapes[cut - 1]) {
            if let parts = split(before: cut) { return parts }
        }
        return nil
    }
}

extension Network {
    /// The same network with each batch normalisation computed by the convolution right before it, where that feeds nothing
    /// else; those behind anything else stay.
    ///
    /// ``parameterCount`` stays what it was: that many numbers were learned.
    func foldingNormalizations() -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input >= 0 { readerCount[input] += 1 }
        var folded: [Node] = []
        var foldedShapes: [Shape] = []
        // Where the value of each old node is found among the new ones.
        var places: [Int] = []
        for (index, node) in nodes.enumerated() {
            if let normalization = node.layer as? BatchNorm2d, let input = node.inputs.first, input >= 0,
                readerCount[input] == 1, places[input] == folded.count - 1,
                let convolution = nodes[input].layer as? Conv2d
            {
                let place = places[input]
                folded[place] = Node(
                    name: nodes[input].name, layer: convolution.folding(normalization), inputs: folded[place].inputs)
                places.append(place)
                continue
            }
            places.append(folded.count)
            folded.append(
                Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 == Self.input ? $0 : places[$0] })
            )
            foldedShapes.append(shapes[index])
        }
        return Network(inputShape: inputShape, nodes: folded, shapes: foldedShapes, parameterCount: parameterCount)
    }
}

extension Network {
    /// The same network with each sum of two values computed by the pointwise convolution right before it, where that feeds
    /// nothing else.
    func fusingSums() -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input >= 0 { readerCount[input] += 1 }
        var fused: [Node] = []
        var fusedShapes: [Shape] = []
        // Where the value of each old node is found among the new ones.
        var places: [Int] = []
        for (index, node) in nodes.enumerated() {
            var inputs = node.inputs.map { $0 == Self.input ? $0 : places[$0] }
            if node.layer is Add, inputs.count == 2, index > 0, readerCount[index - 1] == 1,
                let addend = node.inputs.firstIndex(where: { $0 != index - 1 }), node.inputs.contains(index - 1),
                let convolution = nodes[index - 1].layer as? Conv2d, SummedConv2d.computes(convolution)
            {
                inputs = [fused[fused.count - 1].inputs[0], inputs[addend]]
                fused[fused.count - 1] = Node(
                    name: nodes[index - 1].name, layer: SummedConv2d(convolution), inputs: inputs)
                places.append(fused.count - 1)
                continue
            }
            places.append(fused.count)
            fused.append(Node(name: node.name, layer: node.layer, inputs: inputs))
            fusedShapes.append(shapes[index])
        }
        return Network(inputShape: inputShape, nodes: fused, shapes: fusedShapes, parameterCount: parameterCount)
    }
}
