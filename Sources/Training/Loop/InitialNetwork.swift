import Inference

/// The network that a training begins with: an architecture, and perhaps a checkpoint's parameters.
public struct InitialNetwork: Sendable {
    /// As in `model.json`.
    public let architecture: String
    /// Layers with the checkpoint's parameters; zeros where a layer begins anew.
    public let network: Network
    /// The layers that begin anew.
    public let fresh: [String]

    /// The architectures that can be trained.
    public static var architectures: [String] { AlexNet.Form.allCases.filter(\.isTrainable).map(\.rawValue) }

    /// A network without a checkpoint: every layer begins anew.
    ///
    /// - Throws: ``TrainingError/unknownArchitecture(name:known:)``
    public init(architecture: String, classCount: Int) throws(TrainingError) {
        try self.init(
            try Self.form(architecture), try Self.form(architecture).parameterShapes(classCount: classCount),
            values: { _ in nil })
    }

    /// A network with the parameters of a checkpoint.
    ///
    /// Where its last layer tells another number of classes apart, that layer begins anew.
    /// - Parameters:
    ///   - architecture: nil for what the checkpoint's names and shapes suggest.
    ///   - fromScratch: layers that begin anew, as `fc8`.
    /// - Throws: ``TrainingError`` where the checkpoint holds no such network, or not these layers.
    public init(
        _ checkpoint: Checkpoint, architecture: String?, classCount: Int, fromScratch: Set<String>
    ) throws(TrainingError) {
        let parameters: ParameterSet
        do {
            parameters = try ParameterSet(checkpoint)
        } catch {
            throw .checkpoint(file: checkpoint.name, error)
        }
        try self.init(
            parameters, file: checkpoint.name, architecture: architecture, classCount: classCount,
            fromScratch: fromScratch)
    }

    /// The network whose state was written.
    ///
    /// - Throws: ``TrainingError/checkpoint(file:_:)`` where the state holds no such network.
    public init(_ file: TrainingStateFile<TrainingSettings>, path: String) throws(TrainingError) {
        let form = try Self.form(file.state.settings.architecture)
        let tensors = file.initialValues()
        do throws(CheckpointError) {
            let network = try AlexNet.network(
                form, ParameterSet(StoredTensors(tensors)))
            self.init(architecture: form.rawValue, network: network, fresh: [])
        } catch {
            throw .checkpoint(file: path, error)
        }
    }

    private init(architecture: String, network: Network, fresh: [String]) {
        self.architecture = architecture
        self.network = network
        self.fresh = fresh
    }

    private init(
        _ parameters: ParameterSet, file: String, architecture: String?, classCount: Int, fromScratch: Set<String>
    ) throws(TrainingError) {
        let suggested = AlexNet.form(of: parameters)
        // By name the classifier may come first: the last layer is the last of the linear ones.
        guard let form = try architecture.map({ name throws(TrainingError) in try Self.form(name) }) ?? suggested,
            let last = parameters.layers.last(where: { $0.weight.shape.rank == 2 })
        else {
            throw TrainingError.checkpoint(
                file: file,
                .unknownArchitecture(found: parameters.layers.map { "\($0.name).weight \($0.weight.shape)" }))
        }
        let names = parameters.layers.map(\.name)
        var fresh = try LayerSelection.layers(fromScratch, of: names)
        if last.weight.shape[0] != classCount { fresh.insert(last.name) }
        let shapes = parameters.layers.flatMap { layer -> [(name: String, shape: Shape)] in
            var weight = layer.weight.shape
            if layer.name == last.name { weight = [classCount, weight[1]] }
            return [(layer.name + ".weight", weight), (layer.name + ".bias", Shape(Array(weight.extents.prefix(1))))]
        }
        try self.init(form, shapes) { name in
            guard let layer = parameters.layers.first(where: { name.hasPrefix($0.name + ".") }),
                !fresh.contains(layer.name)
            else { return nil }
            return name.hasSuffix(".weight") ? layer.weight.tensor() : layer.bias?.tensor()
        }
    }

    /// - Parameter values: nil for parameters of layers that begin anew.
    private init(
        _ form: AlexNet.Form, _ shapes: [(name: String, shape: Shape)], values: (String) -> Tensor?
    ) throws(TrainingError) {
        var fresh: [String] = []
        let tensors = shapes.map { name, shape in
            if let tensor = values(name) { return (name: name, tensor: tensor) }
            if name.hasSuffix(".weight") { fresh.append(String(name.dropLast(".weight".count))) }
            return (name: name, tensor: Tensor(shape) { $0.initialize(repeating: 0) })
        }
        do throws(CheckpointError) {
            let network = try AlexNet.network(
                form, ParameterSet(StoredTensors(tensors)))
            self.init(architecture: form.rawValue, network: network, fresh: fresh)
        } catch {
            throw .checkpoint(file: form.rawValue, error)
        }
    }

    private static func form(_ name: String) throws(TrainingError) -> AlexNet.Form {
        guard let form = AlexNet.Form(rawValue: name), form.isTrainable else {
            throw .unknownArchitecture(name: name, known: architectures)
        }
        return form
    }

    /// The preprocessing that goes with the architecture.
    public var usualPreprocessing: Preprocessing.Preset {
        AlexNet.Form(rawValue: architecture)?.preprocessing ?? .stretch
    }

    /// The initialisation that goes with the architecture: its paper's or its tutorials'.
    public var usualInitialization: Initialization {
        switch AlexNet.Form(rawValue: architecture) {
        case .halfWidth: .kaiming
        case .paper: .paper
        case .oneTower: .paper
        case .torchvision, .oneChannel, .d2l, .cifar, .cifarLargeKernel, .batchNormalized, nil: .pytorch
        }
    }

    /// The network with its fresh layers filled by an initialisation.
    public func initialized(_ initialization: Initialization, seed: UInt64, workers: WorkerPool) -> Network {
        let parameters = Parameters(of: network)
        initialization.fill(parameters, seed: seed, workers: workers) { entry in
            fresh.contains { entry.name.hasPrefix($0 + ".") }
        }
        return network.mapLayers { node in
            guard fresh.contains(node.name), let layer = node.layer as? any DifferentiableLayer else {
                return node.layer
            }
            return layer.with(parameters.entries(of: node.name).map(parameters.tensor))
        }
    }
}
