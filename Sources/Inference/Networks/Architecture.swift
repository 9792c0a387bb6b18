/// A kind of network, such as ResNet-50: how to recognise its checkpoints, and how to build the network from one.
///
/// A new architecture is a type that conforms to this protocol, and one line in ``Architectures``.
package protocol Architecture: Sendable {
    /// The name for `"architecture"` in `model.json`.
    var name: String { get }
    /// The input shape of the published form, `[C, H, W]`.
    var inputShape: Shape { get }
    /// The default preprocessing, which `model.json` can override.
    var preprocessing: Preprocessing.Preset { get }
    /// The options that apply to this architecture.
    var options: Set<ArchitectureOptions.Key> { get }
    /// Prefixes of tensors that a checkpoint may hold and only training uses, such as those of auxiliary heads.
    var ignoredPrefixes: [String] { get }

    /// The names and shapes of the published form's tensors, including running means and variances. The first is a
    /// convolution's weight. The last two are the weight and the bias of the output layer.
    func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)]

    /// Whether a checkpoint holds this network.
    func fits(_ parameters: ParameterSet) -> Bool

    /// Builds the network from a checkpoint's parameters. Widths may differ from the published form's.
    ///
    /// - Throws: ``CheckpointError`` if a tensor is missing, is not part of the network, or does not fit its
    ///   neighbours.
    func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network

    /// What the checkpoint and the options do not determine about the network that was built from them.
    func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption]

    /// Whether ``preprocessing`` is published for these parameters. If not, it is a guess.
    func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool
}

extension Architecture {
    package var options: Set<ArchitectureOptions.Key> { [] }
    package var ignoredPrefixes: [String] { [] }

    /// Whether names and shapes are those of the published form, for any number of classes, and for colour or grey
    /// input.
    package func fits(_ parameters: ParameterSet) -> Bool { differences(from: parameters).isEmpty }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] { [] }

    /// The published networks take colour images; no preprocessing is published for grey ones.
    package func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool {
        parameters.convolutions.allSatisfy { $0.weight.shape[1] != 1 }
    }
}

extension Architecture {
    /// The input shape of a network that takes any image size: the size in the options, or else the published one.
    /// Shape: `[C, H, W]`.
    func input(channels: Int, _ options: ArchitectureOptions) -> Shape {
        guard let size = options.inputSize ?? options.preprocessedSize else {
            return [channels, inputShape[1], inputShape[2]]
        }
        return [channels, size.height, size.width]
    }
}

extension Architecture where Self: RawRepresentable, RawValue == String {
    package var name: String { rawValue }
}

extension Architecture {
    /// The differences of a checkpoint from the published form, apart from the number of classes and a grey input.
    func differences(from parameters: ParameterSet) -> [CheckpointError] {
        let found = counted(parameters)
        let shapes = Dictionary(found.map { ($0.name, $0.shape) }) { first, _ in first }
        let expected = expected(beside: shapes)
        var differences: [CheckpointError] = []
        for (name, shape) in expected {
            if let other = shapes[name] {
                if other != shape { differences.append(.shapeMismatch(name: name, found: other, expected: shape)) }
            } else {
                differences.append(.missingTensor(name: name, expected: shape))
            }
        }
        let names = Set(expected.map(\.name))
        for (name, shape) in found where !names.contains(name) {
            differences.append(.unexpectedTensor(name: name, shape: shape))
        }
        return differences
    }

    /// The similarity of a checkpoint to the published form: 1 for equal names and shapes, 0.5 for equal shapes under
    /// other names, 0 for nothing in common.
    func closeness(to parameters: ParameterSet) -> Double {
        let found = counted(parameters)
        let shapes = Dictionary(found.map { ($0.name, $0.shape) }) { first, _ in first }
        let expected = expected(beside: shapes)
        var available: [Shape: Int] = [:]
        for (_, shape) in found { available[shape, default: 0] += 1 }
        var score = 0
        for (name, shape) in expected {
            if shapes[name] == shape { score += 1 }
            if let count = available[shape], count > 0 {
                available[shape] = count - 1
                score += 1
            }
        }
        return Double(score) / Double(max(expected.count + found.count, 1))
    }

    /// The tensors of a checkpoint, except those that only training uses.
    private func counted(_ parameters: ParameterSet) -> [(name: String, shape: Shape)] {
        parameters.shapes.filter { tensor in !ignoredPrefixes.contains { tensor.name.hasPrefix($0) } }
    }

    /// The published form with the checkpoint's number of classes and input channels.
    private func expected(beside found: [String: Shape]) -> [(name: String, shape: Shape)] {
        let published = tensorShapes(inputChannels: inputShape[0], classCount: 1000)
        guard let first = published.first?.name, let last = published.dropLast().last?.name else { return published }
        let channels = found[first].flatMap { $0.rank == 4 && [1, 3].contains($0[1]) ? $0[1] : nil }
        let classCount = found[last].flatMap { $0.rank == 2 && $0[0] > 0 ? $0[0] : nil }
        return tensorShapes(inputChannels: channels ?? inputShape[0], classCount: classCount ?? 1000)
    }
}

extension CheckpointError {
    /// The error for a checkpoint that differs from the architecture it should hold.
    static func differs(_ parameters: ParameterSet, from architecture: some Architecture) -> Self {
        let differences = architecture.differences(from: parameters)
        return .fitsNoArchitecture(
            closest: architecture.name, differences: Array(differences.prefix(listedCount)), count: differences.count)
    }

    /// The most differences that the error lists.
    private static var listedCount: Int { 4 }
}

extension [(name: String, shape: Shape)] {
    /// The tensors of a batch normalisation layer.
    static func normalization(_ name: String, channels: Int) -> Self {
        ["weight", "bias", "running_mean", "running_var"].map { ("\(name).\($0)", [channels]) }
    }
}

/// Something that a checkpoint does not determine about its network, and what was assumed.
///
/// Two networks can have the same tensors: padding, activations and normalisations without parameters do not show in
/// names and shapes. The likelier network is served, and the assumption is reported, so that no prediction is silently
/// wrong.
public struct Assumption: Sendable, Equatable, CustomStringConvertible {
    /// What is assumed, and what else would fit the tensors: a sentence without a full stop.
    public let text: String
    /// The line for `model.json` that decides it, such as `"padding": 1`.
    public let line: String

    init(_ text: String, line: String) {
        self.text = text
        self.line = line
    }

    /// ``text`` and ``line`` in one sentence.
    public var description: String { "\(text); to settle it, add \(line) to the model folder's model.json" }
}
