import Inference

/// - Source: Open Inference Protocol V2, "Model Metadata Response JSON Object"
struct ModelMetadata: Encodable {
    struct TensorMetadata: Encodable {
        let name: String
        let datatype: String
        let shape: [Int]
    }

    let name: String
    let versions: [String]
    let platform: String
    let inputs: [TensorMetadata]
    let outputs: [TensorMetadata]

    /// The input has the form that a client's own preprocessing gives it; pixels and encoded pictures are taken under the
    /// same name.
    init(_ model: Model) {
        let type = TensorDatatype.float32.rawValue
        name = model.name
        versions = [model.version]
        platform = "alexnet"
        inputs = [
            TensorMetadata(
                name: model.tensorNames.input, datatype: type, shape: [-1] + model.network.inputShape.extents)
        ]
        outputs = [model.tensorNames.probabilities, model.tensorNames.logits].map {
            TensorMetadata(name: $0, datatype: type, shape: [-1, model.classes.count])
        }
    }
}
