import HTTPServer
import Inference

/// `POST /v2/models/{model}/infer`: probabilities, logits or classes of the images in one tensor.
struct V2InferRoute: Sendable {
    let service: PredictionService
    let lookup: V2ModelLookup

    func callAsFunction(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try service.model(of: try service.store.slot(of: request), for: request)
            try lookup.check(model, request)
            let signature = ModelSignature(model, settings: service.settings)
            // Millions of numbers take a while, so workers parse them and not a thread that serves sockets. Parsing
            // goes ahead of queued decoding: a request can be queued fairly only once its images are known.
            let parsed = await service.workers.perform(.high) {
                Result { () throws(V2Error) in try Self.read(request, signature) }
            }
            let inference = try parsed.mapError { HTTPError($0.status, $0.description) }.get()
            let deadline = RequestDeadline(request, settings: service.settings, timeout: inference.timeout)
            return await service.answer(
                inference.images, of: request, by: model, deadline: deadline,
                valueCount: inference.images.count * model.classes.count * inference.outputs.count
            ) {
                answer($0, to: inference, model: model)
            }
        } catch {
            return error.response
        }
    }

    private static func read(_ request: Request, _ signature: ModelSignature) throws(V2Error) -> InferenceRequest {
        guard case .bytes(let content) = request.body else { throw .form }
        let headerLength = try request.headerFields[.inferenceHeaderContentLength].map(length)
        return try InferenceRequest(content, headerLength: headerLength, signature: signature)
    }

    /// `1*DIGIT`; a repeated field arrives as a list, and is refused.
    private static func length(_ text: String) throws(V2Error) -> Int {
        guard 1...18 ~= text.utf8.count, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let length = Int(text)
        else { throw .headerLength(found: String(text.prefix(80))) }
        return length
    }

    /// A tensor cannot hold an error, so one bad image makes the whole answer an error.
    private func answer(_ report: PredictionReport, to inference: InferenceRequest, model: Model) -> Response {
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
        return InferenceResponse(model: model, id: inference.id, outputs: inference.outputs, logits: logits).response
    }
}
