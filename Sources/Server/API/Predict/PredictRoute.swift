import HTTPServer
import HTTPTypes
import Inference

/// `POST /predict` and `POST /v1/models/{model}/predict`: class and probability of each uploaded image.
struct PredictRoute: Sendable {
    let desk: PredictionDesk

    func callAsFunction(_ request: Request) async -> Response {
        do throws(Refusal) {
            let model = try desk.model(of: try slot(of: request), for: request)
            let upload = try await upload(
                of: request, limit: ImageUpload.CountLimit(desk.settings, own: model.batching))
            let top = try PredictionParameters(request, upload, classCount: model.classes.count).top
            return await desk.answer(
                upload.images.map { .encoded($0.bytes) }, of: request, by: model,
                deadline: RequestDeadline(request, settings: desk.settings), valueCount: upload.images.count * top
            ) { answer($0, upload: upload, model: model, top: top) }
        } catch {
            return error.response
        }
    }

    private func upload(of request: Request, limit: ImageUpload.CountLimit) async throws(Refusal) -> ImageUpload {
        let type = ImageUpload.mediaType(of: request) ?? ImageUpload.guessedType(of: request.body)
        let parse = { @Sendable in
            Result { () throws(UploadError) in try ImageUpload(request.body, type: type, limit: limit) }
        }
        // Base64 of many megabytes takes a while: away from the threads that answer everybody, but ahead of the decoding that
        // waits, since until it is parsed nobody knows whose turn it would be.
        let parsed = type == ImageUpload.json ? await desk.workers.perform(.high, parse) : parse()
        return try parsed.mapError { Refusal(response: .problem($0.status, $0.description)) }.get()
    }

    /// The model that the path names, or the default.
    private func slot(of request: Request) throws(Refusal) -> ModelSlot {
        if request.pathParameters["model"] != nil { return try desk.store.slot(of: request) }
        guard let slot = desk.store.defaultSlot else { throw desk.noDefault() }
        return slot
    }

    private func answer(_ report: PredictionReport, upload: ImageUpload, model: Model, top: Int) -> Response {
        let results = zip(report.predictions, upload.images).map {
            prediction, image -> Result<PredictionAnswer, PictureFailure> in
            prediction.map { logits in
                let classification = Classification(logits: logits, classes: model.classes, top: top)
                desk.metrics.prediction(model: model.name, class: classification.best.label)
                return PredictionAnswer(classification, by: model, filename: image.filename)
            }
        }
        switch (results.count, results[0]) {
        case (1, .success(let answer)): return .json(text: answer.json)
        case (1, .failure(let error)): return .problem(error.status, error.description)
        default:
            let entries = zip(results, upload.images).map { result, image -> PredictionEntry in
                switch result {
                case .success(let answer): .answer(answer)
                case .failure(let error):
                    .error(status: error.status.code, detail: error.description, filename: image.filename)
                }
            }
            return .json(text: #"{"predictions":[\#(entries.map(\.json).joined(separator: ","))]}"#)
        }
    }
}
