import HTTPServer
import HTTPTypes
import Inference

/// `POST /v2/models/{model}/infer`: probabilities, logits or classes of the images in one tensor.
struct V2InferRoute: Sendable {
    let service: PredictionService
    let models: V2ModelLookup

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.store.slot(of: request), for: request)
            try models.check(model, request)
            let contract = ModelSignature(model, settings: service.settings)
            // Away from the threads that answer everybody: millions of numbers take a while. Ahead of the decoding that waits:
            // until it is parsed, nobody knows whose turn it would be.
            let parsed = await service.workers.perform(.high) {
                Result { () throws(V2Error) in try Self.read(request, contract) }
            }
            let asked = try parsed.mapError { HTTPError(response: .problem($0.status, $0.description)) }.get()
            let deadline = RequestDeadline(request, settings: service.settings, patience: asked.patience)
            return await service.answer(
                asked.images, of: request, by: model, deadline: deadline,
                valueCount: asked.images.count * model.classes.count * asked.outputs.count
            ) {
                answer($0, to: asked, model: model)
            }
        } catch {
            return error.response
        }
    }

    private static func read(_ request: Request, _ contract: ModelSignature) throws(V2Error) -> InferenceRequest {
        guard case .bytes(let content) = request.body else { throw .form }
        let headerLength = try request.headerFields[.inferenceHeaderContentLength].map(length)
        return try InferenceRequest(content, headerLength: headerLength, contract: contract)
    }

    /// `1*DIGIT`; a repeated field is a list and so none.
    private static func length(_ text: String) throws(V2Error) -> Int {
        guard 1...18 ~= text.utf8.count, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let length = Int(text)
        else { throw .headerLength(found: String(text.prefix(80))) }
        return length
    }

    /// A tensor has no place for an error, so one bad image spoils the answer of all.
    private func answer(_ report: PredictionReport, to asked: InferenceRequest, model: Model) -> Response {
        var logits: [[Float]] = []
        for (index, prediction) in report.predictions.enumerated() {
            switch prediction {
            case .success(let outputs): logits.append(outputs)
            case .failure(let failure) where report.predictions.count == 1:
                return .problem(failure.status, failure.description)
            case .failure(let failure):
                return .problem(
                    failure == .notFinite ? failure.status : .badRequest, "Image \(index): \(failure.description)")
            }
        }
        for outputs in logits {
            let best = Classification(logits: outputs, classes: model.classes, top: 1).best
            service.metrics.prediction(model: model.name, class: best.label)
        }
        return InferenceResponse(model: model, id: asked.id, outputs: asked.outputs, logits: logits).response
    }
}
