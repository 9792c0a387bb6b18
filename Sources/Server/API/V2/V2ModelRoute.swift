import HTTPServer
import Inference

/// `GET /v2/models/{model}` and `/v2/models/{model}/config`: inputs and outputs of a model.
struct V2ModelRoute: Sendable {
    let lookup: V2ModelLookup
    let settings: Settings

    /// Names, datatypes and shapes, in which -1 stands for any number of images.
    func metadata(_ request: Request) async -> Response {
        answer(request) { .json(ModelMetadata($0)) }
    }

    /// The same in the form of Triton's model configuration.
    func configuration(_ request: Request) async -> Response {
        answer(request) { .json(ModelConfiguration($0, settings: settings)) }
    }

    private func answer(_ request: Request, _ respond: (Model) -> Response) -> Response {
        do throws(HTTPError) {
            return respond(try lookup.model(of: request))
        } catch {
            return error.response
        }
    }
}

/// A model's metadata.
///
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

    /// The input is declared as the preprocessed tensor. Pixels and encoded images are accepted under the same name.
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

/// A model as Triton's `ModelConfig` describes it, with the members that clients read.
///
/// - Source: Triton's model configuration extension, `model_config.proto`
struct ModelConfiguration: Encodable {
    struct Input: Encodable {
        let name: String
        let dataType = "TYPE_FP32"
        let format = "FORMAT_NCHW"
        let dims: [Int]

        private enum CodingKeys: String, CodingKey {
            case name, format, dims
            case dataType = "data_type"
        }
    }

    struct Output: Encodable {
        let name: String
        let dataType = "TYPE_FP32"
        let dims: [Int]
        let labelFilename = "class_indices.json"

        private enum CodingKeys: String, CodingKey {
            case name, dims
            case dataType = "data_type"
            case labelFilename = "label_filename"
        }
    }

    struct VersionPolicy: Encodable {
        struct Latest: Encodable {
            let versionCount = 1
            private enum CodingKeys: String, CodingKey { case versionCount = "num_versions" }
        }
        let latest = Latest()
    }

    struct DynamicBatching: Encodable {
        let preferredBatchSizes: [Int]
        let maxQueueDelay: Int

        private enum CodingKeys: String, CodingKey {
            case preferredBatchSizes = "preferred_batch_size"
            case maxQueueDelay = "max_queue_delay_microseconds"
        }
    }

    let name: String
    let platform = ""
    let backend = "alexnet"
    let versionPolicy = VersionPolicy()
    let maxBatchSize: Int
    let input: [Input]
    let output: [Output]
    let dynamicBatching: DynamicBatching

    private enum CodingKeys: String, CodingKey {
        case name, platform, backend, input, output
        case versionPolicy = "version_policy"
        case maxBatchSize = "max_batch_size"
        case dynamicBatching = "dynamic_batching"
    }

    /// `max_batch_size` is the most images of one request; `dims` omit the axis of the batch.
    init(_ model: Model, settings: Settings) {
        name = model.name
        maxBatchSize = ImageUpload.CountLimit(settings, own: model.batching).count
        input = [Input(name: model.tensorNames.input, dims: model.network.inputShape.extents)]
        output = [model.tensorNames.probabilities, model.tensorNames.logits].map {
            Output(name: $0, dims: [model.classes.count])
        }
        dynamicBatching = DynamicBatching(
            preferredBatchSizes: [min(maxBatchSize, settings.batching.applying(model.batching).maxBatchSize)],
            maxQueueDelay: Int(settings.batching.maxQueueDelay.seconds * 1_000_000))
    }
}
