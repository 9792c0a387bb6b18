import Inference
import Threads

/// The network that a training begins with: an architecture, and perhaps a checkpoint's parameters.
public struct InitialNetwork: Sendable {
    /// As in `model.json`.
    public let architecture: String
    /// Layers with the checkpoint's parameters; zeros where a layer begins anew.
    public let network: Network
    /// The layers that begin anew.
    public let fresh: [String]
    /// What is worth knowing about how the checkpoint was taken.
    public let notes: [String]
    /// What the checkpoint calls its layers, by the network's own names.
    private let namesInFile: [String: String]

    /// The architectures that can be trained.
    public static var architectures: [String] { AlexNet.Form.allCases.filter(\.isTrainable).map(\.rawValue) }

    /// A network without a checkpoint: every layer begins anew.
    ///
    /// - Throws: ``TrainingError/unknownArchitecture(name:known:)``
    public init(architecture: String, classCount: Int) throws(TrainingError) {
        let form = try Self.form(architecture)
        let (network, fresh) = try Self.network(
            form, form.parameterShapes(classCount: classCount), values: { _ in nil })
        self.init(architecture: architecture, network: network, fresh: fresh)
    }

    /// A network with the parameters of a checkpoint, under the network's own names whatever the file calls them.
    ///
    /// The last layer begins anew where it tells another number of classes apart, or other ones; where they stand in another
    /// order, its rows are put into the data's.
    /// - Parameters:
    ///   - architecture: nil for what the checkpoint's names and shapes suggest.
    ///   - classNames: the data's.
    ///   - checkpointClasses: the names of the checkpoint's classes; nil where nothing tells them.
    ///   - fromScratch: layers that begin anew, as `fc8`.
    /// - Throws: ``TrainingError`` where the checkpoint holds no such network, or not these layers.
    public init(
        _ checkpoint: Checkpoint, architecture: String?, classNames: [String], checkpointClasses: [String]? = nil,
        fromScratch: Set<String>
    ) throws(TrainingError) {
        let parameters: ParameterSet
        do {
            parameters = try ParameterSet(checkpoint)
        } catch {
            throw .checkpoint(file: checkpoint.name, error)
        }
        try self.init(
            parameters, file: checkpoint.name, architecture: architecture, classNames: classNames,
            checkpointClasses: checkpointClasses, fromScratch: fromScratch)
    }

    init(
        _ parameters: ParameterSet, file: String, architecture: String?, classNames: [String],
        checkpointClasses: [String]? = nil, fromScratch: Set<String> = []
    ) throws(TrainingError) {
        let form = try Self.form(of: parameters, file: file, asked: architecture)
        // By name the classifier may come first: the last layer is the last of the linear ones.
        let layers = parameters.convolutions + parameters.linears
        let names = Self.layerNames(form)
        guard layers.count == names.count, let last = layers.last, let lastName = names.last else {
            throw .checkpoint(
                file: file,
                .unknownArchitecture(found: parameters.layers.map { "\($0.name).weight \($0.weight.shape)" }))
        }
        let namesInFile = Dictionary(uniqueKeysWithValues: zip(names, layers.map { parameters.wrapper + $0.name }))
        var fresh = Set(try Self.layers(Array(fromScratch), of: names, namesInFile))
        let rows = ClassRows(
            data: classNames, checkpoint: last.weight.shape[0] == checkpointClasses?.count ? checkpointClasses : nil,
            rowCount: last.weight.shape[0])
        if rows == .others { fresh.insert(lastName) }
        let shapes = zip(names, layers).flatMap { name, layer -> [(name: String, shape: Shape)] in
            var weight = layer.weight.shape
            if name == lastName { weight = [classNames.count, weight[1]] }
            return [(name + ".weight", weight), (name + ".bias", [weight[0]])]
        }
        let stored = Dictionary(uniqueKeysWithValues: zip(names, layers))
        let (network, begunAnew) = try Self.network(form, shapes) { name in
            guard let stem = names.first(where: { name.hasPrefix($0 + ".") }), !fresh.contains(stem),
                let layer = stored[stem],
                let tensor = name.hasSuffix(".weight") ? layer.weight.tensor() : layer.bias?.tensor()
            else { return nil }
            return stem == lastName ? rows.arranged(tensor) : tensor
        }
        var options = ArchitectureOptions()
        options.isNamed = architecture != nil
        var notes = form.assumptions(about: network, parameters, options: options).map(\.text)
        if !fresh.contains(lastName), let note = rows.note { notes.append("\(lastName): \(note)") }
        self.init(
            architecture: form.rawValue, network: network, fresh: begunAnew, namesInFile: namesInFile, notes: notes)
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

    private init(
        architecture: String, network: Network, fresh: [String], namesInFile: [String: String] = [:],
        notes: [String] = []
    ) {
        self.architecture = architecture
        self.network = network
        self.fresh = fresh
        self.namesInFile = namesInFile
        self.notes = notes
    }

    /// - Parameter values: nil for parameters of layers that begin anew.
    private static func network(
        _ form: AlexNet.Form, _ shapes: [(name: String, shape: Shape)], values: (String) -> Tensor?
    ) throws(TrainingError) -> (network: Network, fresh: [String]) {
        var fresh: [String] = []
        let tensors = shapes.map { name, shape in
            if let tensor = values(name) { return (name: name, tensor: tensor) }
            if name.hasSuffix(".weight") { fresh.append(String(name.dropLast(".weight".count))) }
            return (name: name, tensor: Tensor(shape) { $0.initialize(repeating: 0) })
        }
        do throws(CheckpointError) {
            let network = try AlexNet.network(
                form, ParameterSet(StoredTensors(tensors)))
            return (network, fresh)
        } catch {
            throw .checkpoint(file: form.rawValue, error)
        }
    }

    // What a checkpoint holds

    /// The network's own names of its layers, in its order.
    private static func layerNames(_ form: AlexNet.Form) -> [String] {
        form.parameterShapes(classCount: 2).map(\.name).filter { $0.hasSuffix(".weight") }
            .map { String($0.dropLast(".weight".count)) }
    }

    /// Which of the trainable networks a checkpoint holds.
    ///
    /// - Parameter asked: the one that it is to be; nil for any.
    private static func form(
        of parameters: ParameterSet, file: String, asked: String?
    ) throws(TrainingError) -> AlexNet.Form {
        let recognized: any Architecture
        do {
            recognized = try Architectures.recognize(parameters).architecture
        } catch {
            throw .checkpoint(file: file, error)
        }
        guard let found = recognized as? AlexNet.Form, found.isTrainable else {
            throw .notTrainable(file: file, found: recognized.name, trainable: architectures)
        }
        guard let asked, asked != found.rawValue else { return found }
        let form = try form(asked)
        // Other widths than published may be any form's: then it is what it is said to be, if it can be.
        var differences = Self.differences(parameters, from: found).isEmpty ? differences(parameters, from: form) : []
        do throws(CheckpointError) {
            _ = try AlexNet.network(form, parameters)
        } catch {
            if differences.isEmpty { differences = [error] }
        }
        guard differences.isEmpty else {
            throw .otherArchitecture(file: file, found: found.rawValue, asked: asked, differences: differences)
        }
        return form
    }

    /// Where a checkpoint's shapes are not the published ones; the number of classes may be any.
    private static func differences(_ parameters: ParameterSet, from form: AlexNet.Form) -> [CheckpointError] {
        let layers = parameters.convolutions + parameters.linears
        let classCount = layers.last?.weight.shape.extents.first ?? 0
        let expected = form.parameterShapes(classCount: classCount).filter { $0.name.hasSuffix(".weight") }
        return zip(layers, expected).filter { $0.weight.shape != $1.shape }.map { layer, expected in
            .shapeMismatch(name: layer.name + ".weight", found: layer.weight.shape, expected: expected.shape)
        }
    }

    // Layers' names

    /// The network's own names of layers, or of parts that hold some, that may be named as the checkpoint has them.
    ///
    /// - Throws: ``TrainingError/unknownLayers(names:known:)``
    public func layers(named names: [String]) throws(TrainingError) -> [String] {
        try Self.layers(names, of: network.nodes.filter { !$0.layer.parameters.isEmpty }.map(\.name), namesInFile)
    }

    private static func layers(
        _ names: [String], of known: [String], _ namesInFile: [String: String]
    ) throws(TrainingError) -> [String] {
        func isMeant(_ layer: String, by name: String) -> Bool { layer == name || layer.hasPrefix(name + ".") }
        var (meant, unknown): (Set<String>, [String]) = ([], [])
        for name in names {
            let own = known.filter { isMeant($0, by: name) }
            let found = own.isEmpty ? known.filter { isMeant(namesInFile[$0] ?? $0, by: name) } : own
            if found.isEmpty { unknown.append(name) }
            meant.formUnion(found)
        }
        guard unknown.isEmpty else { throw .unknownLayers(names: unknown.sorted(), known: known) }
        return known.filter(meant.contains)
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
