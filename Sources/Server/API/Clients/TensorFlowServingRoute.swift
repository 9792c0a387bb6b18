import Files
import HTTPServer
import Inference

/// `POST /v1/models/{model}:predict` and `:classify`: TensorFlow Serving's REST API, whose first form KServe's V1
/// protocol shares.
///
/// - Source: TensorFlow Serving, "RESTful API", §Predict API (row format), §Classify and Regress API; KServe, "V1 Protocol"
struct TensorFlowServingRoute: Sendable {
    let service: PredictionService
    let verb: Verb

    /// What is asked, after the colon.
    enum Verb: Sendable {
        /// The probabilities of all classes.
        case predict
        /// Labels and scores.
        case classify

        /// The member that holds the images.
        fileprivate var member: String { self == .predict ? "instances" : "examples" }
    }

    /// As many labels as `/predict` lists.
    private static let labelCount = 5

    func callAsFunction(_ request: Request) async -> Response {
        var response = await answer(to: request)
        // What TensorFlow's clients read.
        if let problem = response.problem { response.problem?.extensions["error"] = problem.detail }
        return response
    }

    private func answer(to request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.slot(of: request), for: request)
            guard case .bytes(let content) = request.body else {
                throw HTTPError(
                    .unsupportedMediaType, #"This path takes JSON, {"\#(verb.member)": [{"b64": "<base64>"}]}."#)
            }
            let limit = ImageUpload.CountLimit(service.settings, own: model.batching)
            let parsed = await service.workers.perform(.high) { [verb] in
                Result { () throws(UploadError) in
                    try InstanceList(content, member: verb.member, limit: limit).images
                }
            }
            let images = try parsed.mapError { HTTPError($0.status, $0.description) }.get()
            let valueCount = verb == .predict ? model.classes.count : Self.labelCount
            return await service.answer(
                images.map { .encoded($0) }, of: request, by: model,
                deadline: RequestDeadline(request, settings: service.settings), valueCount: images.count * valueCount
            ) { report in
                service.classifications(report, by: model, top: valueCount).map(self.response).response
            }
        } catch {
            return error.response
        }
    }

    private func response(_ classifications: [Classification]) -> Response {
        switch verb {
        case .predict:
            let rows = classifications.map { classification in
                let inOrder = classification.top.sorted { $0.index < $1.index }
                return "[\(inOrder.map(\.probability.description).joined(separator: ","))]"
            }
            return .json(text: #"{"predictions":[\#(rows.joined(separator: ","))]}"#)
        case .classify:
            let rows = classifications.map { classification in
                let pairs = classification.top.map { "[\(JSONText.quoted($0.label)),\($0.probability.description)]" }
                return "[\(pairs.joined(separator: ","))]"
            }
            return .json(text: #"{"results":[\#(rows.joined(separator: ","))]}"#)
        }
    }
}

/// The images in `{"instances": […]}`: each base64 by itself, in `{"b64": …}`, or in a member of any name, as a signature
/// names its input.
struct InstanceList {
    let images: [ArraySlice<UInt8>]

    /// The most members of an instance, and of the request, that are skipped.
    private static let maxOtherCount = 64

    init(_ content: [UInt8], member: String, limit: ImageUpload.CountLimit) throws(UploadError) {
        var json = JSONCursor<UploadError>(content, count: content.count)
        var images: [ArraySlice<UInt8>]?
        var otherCount = 0
        try json.readObject { (json, key, _) throws(UploadError) in
            guard key == member else {
                otherCount += 1
                guard otherCount <= Self.maxOtherCount else { throw .crowdedJSON(limit: limit) }
                return try json.skipValue()
            }
            guard images == nil else { throw .instances(member: member) }
            var found: [ArraySlice<UInt8>] = []
            var count = 0
            try json.readArray { (json) throws(UploadError) in
                count += 1
                guard count <= limit.count else { return try json.skipValue() }
                found.append(try Self.instance(&json, index: count - 1, member: member))
            }
            guard count <= limit.count else { throw .tooManyImages(found: count, limit: limit) }
            images = found
        }
        try json.finish(expecting: "the end of the JSON")
        guard let images, !images.isEmpty else { throw .instances(member: member) }
        self.images = images
    }

    private static func instance(
        _ json: inout JSONCursor<UploadError>, index: Int, member: String, depth: Int = 0
    ) throws(UploadError) -> ArraySlice<UInt8> {
        switch json.peeked {
        case UInt8(ascii: "\""):
            guard let bytes = try json.readBase64() else { throw .notBase64(index: index) }
            return bytes[...]
        case UInt8(ascii: "{") where depth < 2:
            var image: ArraySlice<UInt8>?
            var count = 0
            try json.readObject { (json, _, _) throws(UploadError) in
                count += 1
                guard count <= Self.maxOtherCount else { throw .instances(member: member) }
                let isImage = [UInt8(ascii: "\""), UInt8(ascii: "{")].contains(json.peeked)
                guard isImage, image == nil else { return try json.skipValue() }
                image = try instance(&json, index: index, member: member, depth: depth + 1)
            }
            guard let image else { throw .instances(member: member) }
            return image
        default: throw .instances(member: member)
        }
    }
}
