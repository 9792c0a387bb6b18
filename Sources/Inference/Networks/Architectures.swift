/// The list of all architectures: those that `model.json` may name and checkpoints are compared with.
package enum Architectures {
    /// All architectures, in the order in which they are tried.
    package static let all: [any Architecture] =
        AlexNet.Form.allCases + LeNet.Form.allCases + VGG.Form.allCases + GoogLeNet.Form.allCases
        + ResNet.Form.allCases

    /// The architecture of this name; nil for an unknown name.
    package static func named(_ name: String) -> (any Architecture)? { all.first { $0.name == name } }

    /// A recognised architecture, and the parameters under the names that it expects.
    package typealias Recognition = (architecture: any Architecture, parameters: ParameterSet)

    /// Recognises the architecture that a checkpoint holds.
    ///
    /// - Throws: ``CheckpointError/severalNetworks(networks:others:)`` if parts of the checkpoint are networks,
    ///   ``CheckpointError/fitsNoArchitecture(closest:differences:count:)`` if an architecture is close, else
    ///   ``CheckpointError/unservedNetwork(looksLike:examples:count:)``.
    package static func recognize(_ parameters: ParameterSet) throws(CheckpointError) -> Recognition {
        let spellings = [parameters] + TensorSpelling.all.compactMap { $0(parameters) }
        for parameters in spellings {
            if let known = all.first(where: { $0.fits(parameters) }) { return (known, parameters) }
        }
        throw severalNetworks(in: parameters) ?? closest(to: spellings)
    }

    /// The error for a checkpoint in which a part is a network of its own; nil if there is no such part. A part
    /// consists of the layers whose names have the same first component.
    private static func severalNetworks(in parameters: ParameterSet) -> CheckpointError? {
        let groups = Dictionary(grouping: parameters.layers) {
            $0.name.split(separator: ".").first.map(String.init) ?? ""
        }
        guard 2...8 ~= groups.count else { return nil }
        var networks: [String] = []
        var others: [String] = []
        for (name, layers) in groups.sorted(by: { $0.key < $1.key }) {
            let part = ParameterSet(layers)
            if let known = all.first(where: { $0.fits(part) }) {
                networks.append("\"\(parameters.wrapper)\(name).\" is \(known.name)")
            } else {
                others.append("\(parameters.wrapper)\(name).")
            }
        }
        return networks.isEmpty ? nil : .severalNetworks(networks: networks, others: others)
    }

    /// The parameters under the names that an architecture expects; unchanged if no spelling fits.
    static func spelled(_ parameters: ParameterSet, for architecture: any Architecture) -> ParameterSet {
        if architecture.fits(parameters) { return parameters }
        return TensorSpelling.all.lazy.compactMap { $0(parameters) }.first { architecture.fits($0) } ?? parameters
    }

    /// The least ``Architecture/closeness(to:)`` at which differences are listed. Below it, the list would not help.
    private static let leastCloseness = 0.5

    private static func closest(to spellings: [ParameterSet]) -> CheckpointError {
        var best: (architecture: any Architecture, parameters: ParameterSet, closeness: Double)?
        for parameters in spellings {
            for architecture in all {
                let closeness = architecture.closeness(to: parameters)
                if closeness > best?.closeness ?? -1 { best = (architecture, parameters, closeness) }
            }
        }
        let shapes = spellings[0].shapes
        let names = spellings[0].layers.map(\.name) + spellings[0].leftOut
        let unserved = UnservedNetwork.name(of: names)
        guard let best, best.closeness >= leastCloseness, unserved == nil else {
            return .unservedNetwork(looksLike: unserved, shapes)
        }
        return .differs(best.parameters, from: best.architecture)
    }
}

/// Common networks that are not supported, recognised by names that only they use.
enum UnservedNetwork {
    private static let signs: [(network: String, isIn: @Sendable (String) -> Bool)] = [
        ("SqueezeNet", { $0.contains(".squeeze") || $0.contains("expand1x1") }),
        ("DenseNet", { $0.contains("denseblock") }),
        ("Inception v3", { $0.contains("Mixed_5b.") || $0.contains("Conv2d_1a_3x3") }),
        ("a vision transformer", { $0.contains("encoder_layer_0") || $0.contains("blocks.0.attn") }),
        ("a vision transformer", { $0.contains("attention.attention.query") }),
        ("Swin Transformer", { $0.contains("relative_position_bias_table") }),
        ("ConvNeXt", { $0.contains("dwconv") || $0.hasSuffix(".layer_scale") }),
        ("EfficientNet", { $0.contains("_depthwise_conv") || $0.contains("conv_dw") || $0.contains("block.1.fc1") }),
        ("MobileNet", { $0.hasPrefix("features.1.conv.0.0") || $0.hasPrefix("features.1.block.0.0") }),
        ("ShuffleNet", { $0.hasPrefix("stage2.0.branch") }),
        ("RegNet", { $0.contains("trunk_output") }),
    ]

    /// The name of the network that holds tensors or layers of these names; nil if none gives it away.
    static func name(of names: some Sequence<String>) -> String? {
        signs.first { sign in names.contains { sign.isIn($0) } }?.network
    }
}

extension CheckpointError {
    /// A network that is not served, or none that is known, with its first tensors as examples.
    static func unservedNetwork(looksLike network: String?, _ shapes: [(name: String, shape: Shape)]) -> Self {
        .unservedNetwork(
            looksLike: network, examples: shapes.prefix(3).map { "\($0.name) \($0.shape)" }, count: shapes.count)
    }
}

/// A network that was built from a checkpoint, and what was assumed about it.
public struct RecognizedNetwork: Sendable {
    /// The architecture's name, as in `model.json`.
    public let architecture: String
    /// The layers and their weights.
    public let network: Network
    /// The default preprocessing, which `model.json` can override.
    public let preprocessing: Preprocessing.Preset
    /// What the tensors and `model.json` do not determine about the network.
    public let assumptions: [Assumption]
    /// The assumption that ``preprocessing`` is a guess; nil if it is published for this network.
    public let preprocessingAssumption: Assumption?

    /// Builds the network of an architecture from its parameters.
    ///
    /// - Throws: ``CheckpointError`` if they do not fit.
    init(
        _ architecture: any Architecture, _ parameters: ParameterSet, options: ArchitectureOptions
    ) throws(CheckpointError) {
        let network = try architecture.network(parameters, options: options)
        self.architecture = architecture.name
        self.network = network
        preprocessing = architecture.preprocessing
        assumptions = architecture.assumptions(about: network, parameters, options: options)
        let preset = architecture.preprocessing.rawValue
        preprocessingAssumption =
            architecture.hasPublishedPreprocessing(parameters)
            ? nil
            : Assumption(
                "no preprocessing is published for this network: \(preset) is taken",
                line: "\"preprocessing\": \"\(preset)\" (or what the training did)")
    }
}

extension Assumption {
    /// The assumption that a network with a single output ends in a sigmoid.
    static func sigmoid(of classes: ClassMap) -> Self {
        let text =
            classes.count == 2
            ? "is taken for the sigmoid's argument of \"\(classes.names[1])\" against \"\(classes.names[0])\""
            : "is taken for the sigmoid's argument of \"\(classes.names[0])\""
        return Self(
            "the network has one output, which \(text)", line: "\"output\": \"sigmoid\"")
    }
}
