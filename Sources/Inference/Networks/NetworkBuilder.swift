/// Puts a network together, node by node: the only way in which networks are made.
///
///     var builder = NetworkBuilder(inputShape: [3, 224, 224])
///     try builder.add("conv1", convolution)
///     try builder.add("relu1", ReLU())
///     let network = builder.network()
public struct NetworkBuilder: Sendable {
    /// Shape: `[C, H, W]`.
    public let inputShape: Shape
    private var nodes: [Network.Node] = []
    private var shapes: [Shape] = []

    /// A network without a node.
    public init(inputShape: Shape) { self.inputShape = inputShape }

    /// The index of the node that was added last; ``Network/input`` before the first.
    public var last: Int { nodes.count - 1 }

    /// The shape of a node's output, without the batch axis.
    public func shape(of node: Int) -> Shape { node == Network.input ? inputShape : shapes[node] }

    /// Adds a layer.
    ///
    /// - Parameter inputs: the indices of the nodes that feed it; nil for the last one.
    /// - Returns: the new node's index.
    /// - Throws: ``ShapeError`` where the layer cannot take what feeds it.
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

    /// Adds a layer that takes the place of one that fitted.
    mutating func addKnown(_ name: String, _ layer: any Layer, from inputs: [Int]) {
        do {
            try add(name, layer, from: inputs)
        } catch {
            preconditionFailure("\(name): \(error)")
        }
    }

    /// Gives the last node another layer, and more inputs behind its own.
    mutating func replaceLast(with layer: any Layer, adding inputs: [Int]) {
        let node = nodes.removeLast()
        shapes.removeLast()
        addKnown(node.name, layer, from: node.inputs + inputs)
    }

    /// The network of the nodes so far.
    ///
    /// - Precondition: there is one.
    public func network() -> Network { network(parameterCount: nil) }

    /// - Parameter parameterCount: nil for what the layers hold.
    func network(parameterCount: Int?) -> Network {
        Network(inputShape: inputShape, nodes: nodes, shapes: shapes, parameterCount: parameterCount)
    }
}

/// Builds a network around a checkpoint's parameters, and makes sure that each of them is used.
struct CheckpointNetworkBuilder {
    private let parameters: ParameterSet
    private var graph: NetworkBuilder
    /// The names of the layers whose parameters were taken.
    private var used: Set<String> = []

    init(_ parameters: ParameterSet, inputShape: Shape) {
        self.parameters = parameters
        graph = NetworkBuilder(inputShape: inputShape)
    }

    /// See ``NetworkBuilder/last``.
    var last: Int { graph.last }

    /// See ``NetworkBuilder/add(_:_:from:)``.
    ///
    /// - Throws: ``CheckpointError/unsuitableInput(reason:)`` where the layer cannot take what feeds it: the network's
    ///   input has an unsuitable size.
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

    /// Adds a convolution with the parameters of its name.
    ///
    /// See ``ParameterSet/Layer/convolution(inputChannels:kernelSize:stride:padding:isGrouped:needsBias:)``.
    /// - Parameters:
    ///   - outputChannels: of the published form, for the error where there is no layer of that name.
    ///   - input: the node that feeds it; nil for the last one.
    /// - Throws: ``CheckpointError`` where a tensor is missing or does not fit.
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

    /// Adds a batch normalisation with the parameters of its name behind the last node.
    ///
    /// - Throws: ``CheckpointError`` where a tensor is missing or does not fit.
    @discardableResult
    mutating func normalization(_ name: String, epsilon: Double = 1e-5) throws(CheckpointError) -> Int {
        let channels = graph.shape(of: last)[0]
        let layer = try take(name, expecting: [channels])
        return try add(name, try layer.normalization(channels: channels, epsilon: epsilon))
    }

    /// Adds a linear layer with the parameters of its name behind the last node.
    ///
    /// - Parameters:
    ///   - outputFeatures: of the published form, for the error where there is no layer of that name.
    ///   - isOutput: whether the layer's outputs are the network's.
    /// - Throws: ``CheckpointError`` where a tensor is missing or does not fit.
    @discardableResult
    mutating func linear(_ name: String, outputFeatures: Int, isOutput: Bool) throws(CheckpointError) -> Int {
        let features = graph.shape(of: last)[0]
        let layer = try take(name, expecting: [outputFeatures, features])
        return try add(name, try layer.linear(inputFeatures: features, isOutput: isOutput))
    }

    /// The parameters of the layer of that name, which count as used from now on.
    ///
    /// - Parameter shape: the published shape of its weight, for the error.
    /// - Throws: ``CheckpointError/missingTensor(name:expected:)``
    private mutating func take(_ name: String, expecting shape: Shape) throws(CheckpointError) -> ParameterSet.Layer {
        guard let layer = parameters[name] else {
            throw CheckpointError.missingTensor(name: name + ".weight", expected: shape)
        }
        used.insert(name)
        return layer
    }

    /// The network, if the parameters of every layer were used.
    ///
    /// - Parameter prefixes: the parameters whose names begin with one of these may be left over.
    /// - Throws: ``CheckpointError/unexpectedTensor(name:shape:)``
    func network(ignoring prefixes: [String] = []) throws(CheckpointError) -> Network {
        for layer in parameters.layers where !used.contains(layer.name) {
            if prefixes.contains(where: layer.name.hasPrefix) { continue }
            throw CheckpointError.unexpectedTensor(name: layer.name + ".weight", shape: layer.weight.shape)
        }
        return graph.network()
    }
}
