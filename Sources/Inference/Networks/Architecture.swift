/// A kind of network, as ResNet-50: how its checkpoints are recognised, and how the network is built from them.
///
/// A new architecture is a type that conforms to this, and one line in ``Architectures``.
package protocol Architecture: Sendable {
    /// The name in `"architecture"` of `model.json`.
    var name: String { get }
    /// The input of the published form. Shape: `[C, H, W]`.
    var inputShape: Shape { get }
    /// How images become the input, unless `model.json` says otherwise.
    var preprocessing: Preprocessing.Preset { get }
    /// The options that apply to this architecture.
    var options: Set<ArchitectureOptions.Key> { get }
    /// Prefixes of tensors that a checkpoint may hold and that only training uses, as of auxiliary heads.
    var ignoredPrefixes: [String] { get }

    /// The tensors of the published form, with the running means and variances of normalisations. The first is a
    /// convolution's weight; the last two are the weight and the bias of the output layer.
    func tensorShapes(inputChannels: Int, classCount: Int) -> [(name: String, shape: Shape)]

    /// Whether a checkpoint holds this network.
    func fits(_ parameters: ParameterSet) -> Bool

    /// Builds the network around a checkpoint's parameters, whose widths may differ from the published form's.
    ///
    /// - Throws: ``CheckpointError`` where a tensor is missing, has no place, or does not fit those around it.
    func network(_ parameters: ParameterSet, options: ArchitectureOptions) throws(CheckpointError) -> Network

    /// What the checkpoint and the options leave open about the network that was built from them.
    func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption]

    /// Whether ``preprocessing`` is published for these parameters; otherwise it is a guess.
    func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool
}

extension Architecture {
    package var options: Set<ArchitectureOptions.Key> { [] }
    package var ignoredPrefixes: [String] { [] }

    /// Whether names and shapes are those of the published form, for any number of classes, in colour or in grey.
    package func fits(_ parameters: ParameterSet) -> Bool { differences(from: parameters).isEmpty }

    package func assumptions(
        about network: Network, _ parameters: ParameterSet, options: ArchitectureOptions
    ) -> [Assumption] { [] }

    /// The published networks take colour images; for grey ones nothing is published.
    package func hasPublishedPreprocessing(_ parameters: ParameterSet) -> Bool {
        parameters.convolutions.allSatisfy { $0.weight.shape[1] != 1 }
    }
}

extension Architecture {
    /// The input of a network that takes any size: the size in the options, or else the published one. Shape:
    /// `[C, H, W]`.
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
    /// How a checkpoint differs from the published form, apart from the number of classes and a grey input.
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

    /// How much a checkpoint has in common with the published form: 1 for the same names and shapes, 0.5 for the same
    /// shapes under other names, 0 for nothing.
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

    /// The tensors of a checkpoint without those that only training uses.
    private func counted(_ parameters: ParameterSet) -> [(name: String, shape: Shape)] {
        parameters.shapes.filter { tensor in !ignoredPrefixes.contains { tensor.name.hasPrefix($0) } }
    }

    /// The published form with the checkpoint's number of classes and of input channels.
    private func expected(beside found: [String: Shape]) -> [(name: String, shape: Shape)] {
        let published = tensorShapes(inputChannels: inputShape[0], classCount: 1000)
        guard let first = published.first?.name, let last = published.dropLast().last?.name else { return published }
        let channels = found[first].flatMap { $0.rank == 4 && [1, 3].contains($0[1]) ? $0[1] : nil }
        let classCount = found[last].flatMap { $0.rank == 2 && $0[0] > 0 ? $0[0] : nil }
        return tensorShapes(inputChannels: channels ?? inputShape[0], classCount: classCount ?? 1000)
    }
}

extension CheckpointError {
    /// The error for a checkpoint that does not hold an architecture: its differences from the published form.
    static func differs(_ parameters: ParameterSet, from architecture: some Architecture) -> Self {
        let differences = architecture.differences(from: parameters)
        return .fitsNoArchitecture(
            closest: architecture.name, differences: Array(differences.prefix(listedCount)), count: differences.count)
    }

    /// The most differences that the error lists.
    private static var listedCount: Int { 4 }
}

extension [(name: String, shape: Shape)] {
    /// The tensors of a batch normalisation.
    static func normalization(_ name: String, channels: Int) -> Self {
        ["weight", "bias", "running_mean", "running_var"].map { ("\(name).\($0)", [channels]) }
    }
}

/// Something that a checkpoint leaves open about its network, and what was assumed.
///
/// Two networks can have the same tensors: a padding, an activation or a normalisation without parameters leaves no
/// trace in names and shapes. The likelier network is then served, and this tells which, so that no answer is silently
/// wrong.
public struct Assumption: Sendable, Equatable, CustomStringConvertible {
    /// What is assumed, and what else would fit the tensors; a sentence without its full stop.
    public let text: String
    /// The line for `model.json` that settles it, as `"padding": 1`.
    public let line: String

    init(_ text: String, line: String) {
        self.text = text
        self.line = line
    }

    /// ``text`` and ``line`` in one sentence.
    public var description: String { "\(text); to settle it, add \(line) to the model folder's model.json" }
}
