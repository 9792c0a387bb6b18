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
