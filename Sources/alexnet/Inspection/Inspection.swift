import Inference

/// All that can be told about a model, or about a checkpoint whose network nobody knows.
struct Inspection: Encodable {
    let path: String
    /// `pytorch`, `safetensors`, `npz` or `npy`.
    let format: String
    let byteCount: Int
    /// In what the numbers lie in the file.
    let types: [String]
    let metadata: [String: String]
    /// nil where the tensors fit no known network.
    let architecture: String?
    /// What keeps the file from being served as it is; nil where nothing does.
    let note: String?
    /// What the file leaves open about the network, and how it is taken.
    let assumptions: [String]
    /// What a person should know about the file, as a choice that was open.
    let notes: [String]
    /// nil without a class map.
    let version: String?
    /// What linear layers' weights would be held in.
    let precision: String?
    /// Without the batch axis.
    let input: [Int]?
    let preprocessing: PreprocessingEntry?
    let classes: [String]?
    let layers: [LayerRow]?
    let tensors: [TensorRow]
    /// The tensors that are no weights.
    let skipped: [String]
    let parameters: Int
    /// Of one image.
    let multiplyAdds: Int?
    /// Of one image: a multiply-add is two.
    let flops: Int?

    private enum CodingKeys: String, CodingKey {
        case path, format, types, metadata, architecture, note, notes, assumptions, version, precision, input,
            preprocessing,
            classes,
            layers
        case tensors, skipped, parameters, flops
        case byteCount = "bytes"
        case multiplyAdds = "multiply_adds"
    }

    /// What is known of a checkpoint beyond its tensors.
    struct Knowledge {
        var architecture: String?
        var network: Network?
        var preprocessing: Preprocessing?
        var model: Model?
        var note: String?
        var assumptions: [Assumption] = []
    }

    init(path: String, checkpoint: Checkpoint, _ known: Knowledge) {
        self.path = path
        format = checkpoint.format.rawValue
        byteCount = checkpoint.byteCount
        let found = checkpoint.tensors.map(\.tensor.scalarType)
        types = ScalarType.allCases.filter(found.contains).map(\.rawValue)
        metadata = checkpoint.metadata
        architecture = known.architecture
        note = known.note
        assumptions = known.assumptions.map(\.description)
        notes = checkpoint.notes
        version = known.model?.version
        precision = known.model?.precision.rawValue
        input = known.network?.inputShape.extents
        preprocessing = known.preprocessing.map(PreprocessingEntry.init)
        classes = known.model?.classes.names
        layers = known.network.map(LayerRow.rows)
        tensors = TensorRow.rows(of: checkpoint)
        skipped = checkpoint.skipped.map { "\($0.name) (\($0.scalarName))" } + checkpoint.companionNames
        parameters = known.network?.parameterCount ?? tensors.reduce(0) { $0 + $1.count }
        multiplyAdds = layers?.reduce(0) { $0 + $1.multiplyAdds }
        flops = multiplyAdds.map { 2 * $0 }
    }
}
