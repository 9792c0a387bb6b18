/// Puts a network together, node by node, around a checkpoint's parameters, and sees to it that each of them is used.
struct NetworkBuilder {
    private let parameters: ParameterSet
    private let inputShape: Shape
    private var nodes: [Network.Node] = []
    private var shapes: [Shape] = []
    private var used: Set<String> = []

    init(_ parameters: ParameterSet, inputShape: Shape) {
        self.parameters = parameters
        self.inputShape = inputShape
    }

    /// The node that was added last; the network's input before the first.
    var last: Int { nodes.count - 1 }

    /// The output of a node, without the batch axis.
    func shape(of node: Int) -> Shape { node == Network.input ? inputShape : shapes[node] }

    /// Adds a layer behind others, or behind the last one.
    ///
    /// - Returns: the new node.
    @discardableResult
    mutating func add(
        _ name: String, _ layer: any Layer, from inputs: [Int]? = nil
    ) throws(CheckpointError) -> Int {
        let inputs = inputs ?? [last]
        do {
            shapes.append(try layer.outputShape(for: inputs.map { shape(of: $0) }))
        } catch {
            throw CheckpointError.unsuitableInput(
                reason:
                    "an input of \(Size2d(height: inputShape[1], width: inputShape[2])) is too small or does not fit at "
                    + "\"\(name)\": \(error.description)")
        }
        nodes.append(Network.Node(name: name, layer: layer, inputs: inputs))
        return last
    }

    /// The layer of that name.
    ///
    /// - Throws: ``CheckpointError/missingTensor(name:expected:)``
    private mutating func take(_ name: String, expecting shape: Shape) throws(CheckpointError) -> ParameterSet.Layer {
        guard let layer = parameters[name] else {
            throw CheckpointError.missingTensor(name: name + ".weight", expected: shape)
        }
        used.insert(name)
        return layer
    }

    /// Adds a convolution with the parameters of its name; see ``ParameterSet/Layer/convolution(inputChannels:kernelSize:stride:padding:isGrouped:needsBias:)``.
    ///
    /// - Parameter outputChannels: of the published form, for the error where there is none of the name.
    @discardableResult
    mutating func convolution(
        _ name: String, outputChannels: Int, kernelSize: Int, stride: Int = 1, padding: Int = 0,
        isGrouped: Bool = false,
        needsBias: Bool = true, from input: Int? = nil
    ) throws(CheckpointError) -> Int {
        let channels = shape(of: input ?? last)[0]
        let layer = try take(name, expecting: [outputChannels, channels, kernelSize, kernelSize])
        let convolution = try layer.convolution(
            inputChannels: channels, kernelSize: kernelSize, stride: stride, padding: padding, isGrouped: isGrouped,
            needsBias: needsBias)
        return try add(name, convolution, from: [input ?? last])
    }

    /// Adds a batch normalisation with the parameters of its name behind the last node.
    @discardableResult
    mutating func normalization(_ name: String, epsilon: Double = 1e-5) throws(CheckpointError) -> Int {
        let channels = shape(of: last)[0]
        let layer = try take(name, expecting: [channels])
        return try add(name, try layer.normalization(channels: channels, epsilon: epsilon))
    }

    /// Adds a linear layer with the parameters of its name behind the last node.
    ///
    /// - Parameter isOutput: whether its outputs are the network's.
    @discardableResult
    mutating func linear(_ name: String, outputFeatures: Int, isOutput: Bool) throws(CheckpointError) -> Int {
        let features = shape(of: last)[0]
        let layer = try take(name, expecting: [outputFeatures, features])
        return try add(name, try layer.linear(inputFeatures: features, isOutput: isOutput))
    }

    /// The network, if no layer of the checkpoint is left over.
    ///
    /// - Parameter prefixes: beginnings of names that may be.
    /// - Throws: ``CheckpointError/unexpectedTensor(name:shape:)``
    func network(ignoring prefixes: [String] = []) throws(CheckpointError) -> Network {
        for layer in parameters.layers where !used.contains(layer.name) {
            if prefixes.contains(where: layer.name.hasPrefix) { continue }
            throw CheckpointError.unexpectedTensor(name: layer.name + ".weight", shape: layer.weight.shape)
        }
        return Network(inputShape: inputShape, nodes: nodes, shapes: shapes)
    }
}
