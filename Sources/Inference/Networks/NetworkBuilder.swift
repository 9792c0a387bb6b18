/// Builds a network node by node. All networks are made this way.
///
///     var builder = NetworkBuilder(inputShape: [3, 224, 224])
///     try builder.add("conv1", convolution)
///     try builder.add("relu1", ReLU())
///     let network = builder.network()
public struct NetworkBuilder: Sendable {
    /// The shape of one input, `[C, H, W]`.
    public let inputShape: Shape
    private var nodes: [Network.Node] = []
    private var shapes: [Shape] = []

    /// A network without nodes.
    public init(inputShape: Shape) { self.inputShape = inputShape }

    /// The index of the last node added; ``Network/input`` if there is none.
    public var last: Int { nodes.count - 1 }

    /// The shape of a node's output, without the batch axis.
    public func shape(of node: Int) -> Shape { node == Network.input ? inputShape : shapes[node] }

    /// Adds a layer.
    ///
    /// - Parameter inputs: the indices of the nodes that feed it; nil for the last node.
    /// - Returns: the new node's index.
    /// - Throws: ``ShapeError`` if the layer cannot take these inputs.
    @discardableResult
    public mutating func add(
        _ name: String, _ layer: any Layer, from inputs: [Int]? = nil
    ) throws(ShapeError) -> Int {
        let inputs = inputs ?? [last]
        precondition(
            inputs.allSatisfy { Network.input...last ~= $0 }, "\(name) comes before one of its inputs \(inputs)")
        shapes.append(try layer.outputShape(for: inputs.map { shape(of: $0) }))
        nodes.append(Network.Node(name: name, layer: layer, inputs: inputs))
        return last
    }

    /// Adds a layer whose shapes are known to fit.
    mutating func addKnown(_ name: String, _ layer: any Layer, from inputs: [Int]) {
        do {
            try add(name, layer, from: inputs)
        } catch {
            preconditionFailure("\(name): \(error)")
        }
    }

    /// Replaces the last node's layer, and appends inputs to its own.
    mutating func replaceLast(with layer: any Layer, adding inputs: [Int]) {
        let node = nodes.removeLast()
        shapes.removeLast()
        addKnown(node.name, layer, from: node.inputs + inputs)
    }

    /// The network of all nodes added so far.
    ///
    /// - Precondition: there is at least one node.
    public func network() -> Network { network(parameterCount: nil) }

    /// - Parameter parameterCount: nil to count the layers' parameters.
    func network(parameterCount: Int?) -> Network {
        Network(inputShape: inputShape, nodes: nodes, shapes: shapes, parameterCount: parameterCount)
    }
}

/// Builds a network from a checkpoint's parameters, and checks that all of them are used.
struct CheckpointNetworkBuilder {
    private let parameters: ParameterSet
    private var graph: NetworkBuilder
    /// The names of the layers whose parameters have been used.
    private var used: Set<String> = []

    init(_ parameters: ParameterSet, inputShape: Shape) {
        self.parameters = parameters
        graph = NetworkBuilder(inputShape: inputShape)
    }

    /// See ``NetworkBuilder/last``.
    var last: Int { graph.last }

    /// See ``NetworkBuilder/add(_:_:from:)``.
    ///
    /// - Throws: ``CheckpointError/unsuitableInput(reason:)`` if the layer cannot take its inputs, because the
    ///   network's input has an unsuitable size.
    @discardableResult
    mutating func add(
        _ name: String, _ layer: any Layer, from inputs: [Int]? = nil
    ) throws(CheckpointError) -> Int {
        do {
            return try graph.add(name, layer, from: inputs)
        } catch {
            let size = Size2d(height: graph.inputShape[1], width: graph.inputShape[2])
            throw CheckpointError.unsuitableInput(
                reason: "an input of \(size) is too small or does not fit at \"\(name)\": \(error.description)")
        }
    }

    /// Adds a convolution with the parameters of this name.
    ///
    /// See ``ParameterSet/Layer/convolution(inputChannels:kernelSize:stride:padding:isGrouped:needsBias:)``.
    /// - Parameters:
    ///   - outputChannels: the published number, for the error if there is no layer of this name.
    ///   - input: the node that feeds it; nil for the last node.
    /// - Throws: ``CheckpointError`` if a tensor is missing or does not fit.
    @discardableResult
    mutating func convolution(
        _ name: String, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0,
        isGrouped: Bool = false, needsBias: Bool = true, from input: Int? = nil
    ) throws(CheckpointError) -> Int {
        let input = input ?? last
        let channels = graph.shape(of: input)[0]
        let layer = try take(name, expecting: [outputChannels, channels, kernelSize, kernelSize])
        let convolution = try layer.convolution(
            inputChannels: channels, kernelSize: kernelSize, stride: stride, padding: padding, isGrouped: isGrouped,
            needsBias: needsBias)
        return try add(name, convolution, from: [input])
    }

    /// Adds a batch normalisation with the parameters of this name after the last node.
    ///
    /// - Throws: ``CheckpointError`` if a tensor is missing or does not fit.
    @discardableResult
    mutating func normalization(_ name: String, epsilon: Double = 1e-5) throws(CheckpointError) -> Int {
        let channels = graph.shape(of: last)[0]
        let layer = try take(name, expecting: [channels])
        return try add(name, try layer.normalization(channels: channels, epsilon: epsilon))
    }

    /// Adds a linear layer with the parameters of this name after the last node.
    ///
    /// - Parameters:
    ///   - outputFeatures: the published number, for the error if there is no layer of this name.
    ///   - isOutput: whether this is the network's last layer.
    /// - Throws: ``CheckpointError`` if a tensor is missing or does not fit.
    @discardableResult
    mutating func linear(_ name: String, outputFeatures: Int, isOutput: Bool) throws(CheckpointError) -> Int {
        let features = graph.shape(of: last)[0]
        let layer = try take(name, expecting: [outputFeatures, features])
        return try add(name, try layer.linear(inputFeatures: features, isOutput: isOutput))
    }

    /// The parameters of the layer of this name. From now on they count as used.
    ///
    /// - Parameter shape: the published shape of the weight, for the error.
    /// - Throws: ``CheckpointError/missingTensor(name:expected:)``
    private mutating func take(_ name: String, expecting shape: Shape) throws(CheckpointError) -> ParameterSet.Layer {
        guard let layer = parameters[name] else {
            throw CheckpointError.missingTensor(name: name + ".weight", expected: shape)
        }
        used.insert(name)
        return layer
    }

    /// The network, after a check that the parameters of every layer were used.
    ///
    /// - Parameter prefixes: parameters whose names start with one of these may stay unused.
    /// - Throws: ``CheckpointError/unexpectedTensor(name:shape:)``
    func network(ignoring prefixes: [String] = []) throws(CheckpointError) -> Network {
        for layer in parameters.layers where !used.contains(layer.name) {
            if prefixes.contains(where: layer.name.hasPrefix) { continue }
            throw CheckpointError.unexpectedTensor(name: layer.name + ".weight", shape: layer.weight.shape)
        }
        return graph.network()
    }
}
