import Files
import HTTPServer
import Inference

/// `POST` and `PUT /predictions/{model}`: the answer of TorchServe's `image_classifier`, the five most probable labels
/// with their probabilities.
///
/// - Source: TorchServe, "Inference API", §Predictions API; `ts/torch_handler/image_classifier.py`
struct TorchServeRoute: Sendable {
    let service: PredictionService

    /// As many labels as the handler's `topk`.
    private static let labelCount = 5

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.slot(of: request), for: request)
            let upload = try await service.upload(of: request, for: model)
            return await service.answer(
                upload.images.map { .encoded($0.bytes) }, of: request, by: model,
                deadline: RequestDeadline(request, settings: service.settings),
                valueCount: upload.images.count * Self.labelCount
            ) { report in
                service.classifications(report, by: model, top: Self.labelCount).map { classifications in
                    let labels = classifications.map(Self.json)
                    return .json(text: labels.count == 1 ? labels[0] : "[\(labels.joined(separator: ","))]")
                }.response
            }
        } catch {
            return error.response
        }
    }

    private static func json(_ classification: Classification) -> String {
        let members = classification.top.map { JSONText.quoted($0.label) + ":" + $0.probability.description }
        return "{\(members.joined(separator: ","))}"
    }
}
