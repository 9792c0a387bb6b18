import HTTPServer
import HTTPTypes
import Inference

/// `POST /predict` and `POST /v1/models/{model}/predict`: class and probability of each uploaded image.
struct PredictRoute: Sendable {
    let store: ModelStore
    let batcher: Batcher
    let workers: WorkerPool
    let phase: ServingPhase
    let metrics: ServingMetrics
    let settings: Settings

    /// How many classes an answer lists where the client does not say.
    private static let defaultTop = 5

    func callAsFunction(_ request: Request) async -> Response {
        let slot: ModelSlot
        if let name = request.pathParameters["model"] {
            guard let named = store[name] else { return .unknownModel(name, store) }
            slot = named
        } else {
            guard let chosen = store.defaultSlot else { return reject(.notReady, .defaultNotLoaded(store)) }
            slot = chosen
        }
        guard phase.accepts(requestFrom: request.startedAt) else {
            return reject(.draining, .unavailable("The server is shutting down; send the request again."))
        }
        guard let model = slot.model else {
            return reject(.notReady, .notLoaded(slot))
        }
        do {
            let top = try Self.top(of: request, classCount: model.classes.count)
            let limit = ImageUpload.CountLimit(settings, modelCapacity: model.batching.queueCapacity)
            // Away from the threads that answer everybody: base64 of many megabytes takes a while.
            let parsed = await workers.perform {
                Result { () throws(UploadError) in try ImageUpload(request, limit: limit) }
            }
            let upload = try parsed.get()
            let report = try await batcher.predict(
                upload.images.map { .encoded($0.bytes) }, by: model,
                deadline: request.startedAt + settings.batching.requestDeadline)
            return answer(report, upload: upload, model: model, top: top)
        } catch let error as QueryError {
            return .problem(.badRequest, error.description)
        } catch let error as UploadError {
            return .problem(error.status, error.description)
        } catch let error as PredictionError {
            return response(to: error)
        } catch {
            return .problem(.internalServerError, "The server could not answer; its log says why.")
        }
    }

    private static func top(of request: Request, classCount: Int) throws(QueryError) -> Int {
        guard let text = request.query["top"] else { return min(defaultTop, classCount) }
        guard !text.isEmpty, text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            text.utf8.count <= 9, let count = Int(text), count > 0
        else { throw QueryError(name: "top", found: text, expected: "a whole number from 1 to \(classCount)") }
        return min(count, classCount)
    }

    private func answer(_ report: PredictionReport, upload: ImageUpload, model: Model, top: Int) -> Response {
        let results = zip(report.predictions, upload.images).map {
            prediction, image -> Result<PredictionAnswer, PictureFailure> in
            prediction.map { logits in
                let classification = Classification(logits: logits, classes: model.classes, top: top)
                metrics.prediction(model: model.name, class: classification.best.label)
                return PredictionAnswer(classification, by: model, filename: image.filename)
            }
        }
        var response: Response
        switch (results.count, results[0]) {
        case (1, .success(let answer)): response = .json(answer)
        case (1, .failure(let error)): response = .problem(error.status, error.description)
        default:
            let entries = zip(results, upload.images).map { result, image -> PredictionEntry in
                switch result {
                case .success(let answer): .answer(answer)
                case .failure(let error):
                    .error(status: error.status.code, detail: error.description, filename: image.filename)
                }
            }
            response = .json(PredictionList(predictions: entries))
        }
        response.annotations = [
            "model": model.name, "version": model.version, "images": "\(results.count)",
            "batch": "\(report.batchSize)", "queue_ms": "\(report.queueWait.milliseconds)",
            "decode_ms": "\(report.decoding.milliseconds)", "inference_ms": "\(report.inference.milliseconds)",
        ]
        return response
    }

    private func response(to error: PredictionError) -> Response {
        switch error {
        case .queueFull(let reason):
            reject(
                .queueFull,
                .problem(
                    .tooManyRequests, "The queue is full (\(reason)); try again in a second.",
                    headerFields: [.retryAfter: "1"]))
        case .deadlineExceeded:
            reject(
                .deadline,
                .problem(
                    .gatewayTimeout,
                    "The answer did not come within \(settings.batching.requestDeadline) of the request's arrival "
                        + "(batching.request_deadline); send fewer or smaller pictures at once."))
        case .cancelled: reject(.disconnected, .problem(.requestTimeout, "The client went away."))
        }
    }

    private func reject(_ reason: RejectionReason, _ response: Response) -> Response {
        metrics.rejected(reason: reason)
        return response
    }
}
