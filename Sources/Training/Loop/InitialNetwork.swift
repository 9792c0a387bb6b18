import Inference
import Threads

/// The network at the start of a training: an architecture, and for fine-tuning also the parameters of a checkpoint.
public struct InitialNetwork: Sendable {
    /// The architecture's name, as in `model.json`.
    public let architecture: String
    /// The layers with the checkpoint's parameters. The parameters of ``fresh`` layers are zero.
    public let network: Network
    /// The names of the layers to initialise, which are not taken from the checkpoint.
    public let fresh: [String]
    /// Sentences for the user about how the checkpoint was read.
    public let notes: [String]
    /// The layers' names in the checkpoint, by their names in the network.
    private let namesInFile: [String: String]

    /// The architectures that can be trained.
    public static var architectures: [String] { AlexNet.Form.allCases.filter(\.isTrainable).map(\.rawValue) }

    /// A network without a checkpoint: all its layers are initialised.
    ///
    /// - Throws: ``TrainingError/unknownArchitecture(name:known:)``
    public init(architecture: String, classCount: Int) throws(TrainingError) {
        let form = try Self.form(architecture)
        let (network, fresh) = try Self.network(
            form, form.parameterShapes(classCount: classCount), values: { _ in nil })
        self.init(architecture: architecture, network: network, fresh: fresh)
    }

    /// A network with the parameters of a checkpoint. The layers have the network's own names, whatever their names in
    /// the checkpoint are.
    ///
    /// If the checkpoint has other classes, the last layer is initialised. If it has the same classes in another order,
    /// the last layer's rows are reordered.
    /// - Parameters:
    ///   - architecture: nil to recognise it by the checkpoint's names and shapes.
    ///   - classNames: the names of the data's classes.
    ///   - checkpointClasses: the names of the checkpoint's classes; nil if they are unknown.
    ///   - fromScratch: layers to initialise even though the checkpoint has them, such as `fc8`.
    /// - Throws: ``TrainingError`` if the checkpoint does not hold such a network or these layers.
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
        // In the order of names, the classifier may come first. The last layer is the last linear one.
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
        let (network, freshNames) = try Self.network(form, shapes) { name in
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
            architecture: form.rawValue, network: network, fresh: freshNames, namesInFile: namesInFile, notes: notes)
    }

    /// The network of a training that is resumed.
    ///
    /// - Throws: ``TrainingError/checkpoint(file:_:)`` if the state does not hold the network that it names.
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

    /// - Parameter values: returns the checkpoint's value of a parameter; nil for layers to initialise.
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

    // Recognition

    /// The network's own names of its layers, in order.
    private static func layerNames(_ form: AlexNet.Form) -> [String] {
        form.parameterShapes(classCount: 2).map(\.name).filter { $0.hasSuffix(".weight") }
            .map { String($0.dropLast(".weight".count)) }
    }

    /// Recognises which trainable network a checkpoint holds.
    ///
    /// - Parameter asked: the architecture that the user named; nil for any.
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
        // With widths other than the published ones, it may be any form. The form that the user named is then used, if
        // it is possible.
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

    /// The differences between a checkpoint's shapes and the published ones, for any number of classes.
    private static func differences(_ parameters: ParameterSet, from form: AlexNet.Form) -> [CheckpointError] {
        let layers = parameters.convolutions + parameters.linears
        let classCount = layers.last?.weight.shape.extents.first ?? 0
        let expected = form.parameterShapes(classCount: classCount).filter { $0.name.hasSuffix(".weight") }
        return zip(layers, expected).filter { $0.weight.shape != $1.shape }.map { layer, expected in
            .shapeMismatch(name: layer.name + ".weight", found: layer.weight.shape, expected: expected.shape)
        }
    }

    // Layers' names

    /// The network's own names of the layers that `names` select. A name is that of a layer or of a part of the
    /// network, as in the network or in the checkpoint.
    ///
    /// - Throws: ``TrainingError/unknownLayers(names:known:)``
    public func layers(named names: [String]) throws(TrainingError) -> [String] {
        try Self.layers(names, of: network.nodes.filter { !$0.layer.parameters.isEmpty }.map(\.name), namesInFile)
    }

    private static func layers(
        _ names: [String], of known: [String], _ namesInFile: [String: String]
    ) throws(TrainingError) -> [String] {
        func isSelected(_ layer: String, by name: String) -> Bool { layer == name || layer.hasPrefix(name + ".") }
        var (selected, unknown): (Set<String>, [String]) = ([], [])
        for name in names {
            let own = known.filter { isSelected($0, by: name) }
            let found = own.isEmpty ? known.filter { isSelected(namesInFile[$0] ?? $0, by: name) } : own
            if found.isEmpty { unknown.append(name) }
            selected.formUnion(found)
        }
        guard unknown.isEmpty else { throw .unknownLayers(names: unknown.sorted(), known: known) }
        return known.filter(selected.contains)
    }

    private static func form(_ name: String) throws(TrainingError) -> AlexNet.Form {
        guard let form = AlexNet.Form(rawValue: name), form.isTrainable else {
            throw .unknownArchitecture(name: name, known: architectures)
        }
        return form
    }

    /// The usual preprocessing for the architecture.
    public var usualPreprocessing: Preprocessing.Preset {
        AlexNet.Form(rawValue: architecture)?.preprocessing ?? .stretch
    }

    /// The usual initialisation for the architecture, from its paper or tutorial.
    public var usualInitialization: Initialization {
        switch AlexNet.Form(rawValue: architecture) {
        case .halfWidth: .kaiming
        case .paper: .paper
        case .oneTower: .paper
        case .torchvision, .oneChannel, .d2l, .cifar, .cifarLargeKernel, .batchNormalized, nil: .pytorch
        }
    }

    /// The network with its fresh layers initialised.
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

/// Maps the rows of a checkpoint's last layer to the data's classes.
enum ClassRows: Equatable {
    /// The rows have the order of the data's classes: the names are equal, or the checkpoint's are unknown.
    case same
    /// The classes are the same in another order. The array holds the row of each of the data's classes.
    case reordered([Int])
    /// The checkpoint has other classes, or a different number of classes.
    case others

    /// - Parameters:
    ///   - data: the names of the data's classes.
    ///   - checkpoint: the names of the checkpoint's classes; nil if they are unknown.
    ///   - rowCount: the number of the checkpoint's classes.
    init(data: [String], checkpoint: [String]?, rowCount: Int) {
        guard data.count == rowCount else {
            self = .others
            return
        }
        guard let checkpoint, checkpoint != data else {
            self = .same
            return
        }
        guard let mapping = try? LabelMapping(dataClasses: data, modelClasses: checkpoint) else {
            self = .others
            return
        }
        self = mapping.indices == Array(data.indices) ? .same : .reordered(mapping.indices)
    }

    /// A weight or bias, with its rows in the order of the data's classes.
    func arranged(_ tensor: Tensor) -> Tensor {
        guard case .reordered(let rows) = self else { return tensor }
        let scalars = tensor.scalars
        let length = tensor.shape.elementCount / max(rows.count, 1)
        return Tensor(tensor.shape, scalars: rows.flatMap { scalars[$0 * length..<($0 + 1) * length] })
    }

    /// A sentence about the order; nil if nothing changes.
    var note: String? {
        guard case .reordered = self else { return nil }
        return "the checkpoint has the data's classes in another order; its rows are reordered by the classes' names."
    }
}
