/// The network that a checkpoint's tensors make, and what was assumed on the way.
public struct RecognizedNetwork: Sendable {
    /// As in `model.json`.
    public let architecture: String
    /// The layers and their weights.
    public let network: Network
    /// How images usually become this network's input.
    public let preprocessing: Preprocessing.Preset
    /// What the tensors and `model.json` leave open.
    public let assumptions: [Assumption]
    /// That ``preprocessing`` is a guess; nil where it is published for this network.
    public let preprocessingAssumption: Assumption?

    /// - Throws: ``CheckpointError`` where the parameters do not make this network.
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
    /// That a network with one output ends in a sigmoid.
    static func sigmoid(of classes: ClassMap) -> Self {
        let text =
            classes.count == 2
            ? "is taken for the sigmoid's argument of \"\(classes.names[1])\" against \"\(classes.names[0])\""
            : "is taken for the sigmoid's argument of \"\(classes.names[0])\""
        return Self(
            "the network has one output, which \(text)", line: "\"output\": \"sigmoid\"")
    }
}
