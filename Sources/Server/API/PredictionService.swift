import HTTPServer
import HTTPTypes
import Inference
import Threads

/// Answers predictions for all routes, whatever the form of their requests and answers: admission, batching, metrics,
/// fields of the access log, and the answers to errors.
final class PredictionService: Sendable {
    let store: ModelStore
    let batcher: Batcher
    let workers: WorkerPool
    let phase: ServingPhase
    let metrics: ServingMetrics
    let settings: Settings

    /// The largest answer that a connection's thread writes itself, which takes a few milliseconds; workers write
    /// larger ones. Units: numbers or classes.
    private static let maxInlineValueCount = 1024

    init(
        store: ModelStore, batcher: Batcher, workers: WorkerPool, phase: ServingPhase, metrics: ServingMetrics,
        settings: Settings
    ) {
        self.store = store
        self.batcher = batcher
        self.workers = workers
        self.phase = phase
        self.metrics = metrics
        self.settings = settings
    }

    private var now: ContinuousClock.Instant { batcher.timers.now }

    /// The version that answers a request to this slot.
    ///
    /// - Throws: ``HTTPError`` of 503 while the server stops, or before a version is loaded.
    func model(of slot: ModelSlot, for request: Request) throws(HTTPError) -> Model {
        guard phase.accepts(requestFrom: request.startedAt) else {
            throw reject(.draining, .unavailable("The server is shutting down; send the request again."))
        }
        guard let model = slot.model else { throw reject(.notReady, .notLoaded(slot)) }
        return model
    }

    /// The error where there is no default model.
    func noDefault() -> HTTPError { reject(.notReady, .defaultNotLoaded(store)) }

    /// The images of a request, at most as many as the model takes.
    ///
    /// - Throws: ``HTTPError`` if there is none, or the content cannot be read.
    func upload(of request: Request, for model: Model) async throws(HTTPError) -> ImageUpload {
        let limit = ImageUpload.CountLimit(settings, own: model.batching)
        let type = ImageUpload.mediaType(of: request) ?? ImageUpload.guessedType(of: request.body)
        let parse = { @Sendable in
            Result { () throws(UploadError) in try ImageUpload(request.body, type: type, limit: limit) }
        }
        // Base64 of many megabytes takes a while, so workers parse it and not a thread that serves sockets. It goes
        // ahead of queued decoding: a request can be queued fairly only once its images are known.
        let parsed = type == ImageUpload.json ? await workers.perform(.high, parse) : parse()
        return try parsed.mapError { HTTPError($0.status, $0.description) }.get()
    }

    /// The model that the path of a request names, or the default.
    func slot(of request: Request) throws(HTTPError) -> ModelSlot {
        if request.pathParameters["model"] != nil { return try store.slot(of: request) }
        guard let slot = store.defaultSlot else { throw noDefault() }
        return slot
    }

    /// Predicts one image, and keeps the network's input.
    ///
    /// - Throws: ``HTTPError``, also if the image cannot be decoded.
    func predictKeepingInput(
        _ image: ImageInput, of request: Request, by model: Model, deadline: RequestDeadline
    ) async throws(HTTPError) -> Tensor {
        let report: PredictionReport
        do throws(PredictionError) {
            report = try await batcher.predict(
                [image], by: model, client: ClientKey.of(request.remoteAddress), deadline: deadline.time,
                keepsInputs: true)
        } catch {
            throw httpError(for: error, deadline)
        }
        if case .failure(let failure) = report.predictions[0] { throw HTTPError(failure.status, failure.description) }
        guard let input = report.inputs[0] else { preconditionFailure("a predicted image had an input") }
        return input
    }

    /// Predicts images; `respond` writes the answer.
    ///
    /// - Parameters:
    ///   - request: the one that the images came with; its address identifies the client.
    ///   - valueCount: how many numbers or classes the answer will hold.
    func answer(
        _ images: [ImageInput], of request: Request, by model: Model, deadline: RequestDeadline, valueCount: Int,
        _ respond: @escaping @Sendable (PredictionReport) -> Response
    ) async -> Response {
        let start = now
        do throws(PredictionError) {
            let report = try await batcher.predict(
                images, by: model, client: ClientKey.of(request.remoteAddress), deadline: deadline.time)
            let predicted = now
            var response =
                valueCount <= Self.maxInlineValueCount
                ? respond(report) : await workers.perform(.high) { respond(report) }
            response.annotations = { Self.annotations(of: report, by: model) }
            let end = now
            if response.problem == nil {
                metrics.statistics.answered(by: model, report, output: end - predicted, total: end - start)
            } else {
                metrics.statistics.failed(by: model, total: end - start)
            }
            return response
        } catch {
            metrics.statistics.failed(by: model, total: now - start)
            return httpError(for: error, deadline).response
        }
    }

    /// The classes of all images, each counted in the metrics; the first error if there is one.
    func classifications(
        _ report: PredictionReport, by model: Model, top: Int
    ) -> Result<[Classification], HTTPError> {
        var classifications: [Classification] = []
        for (index, prediction) in report.predictions.enumerated() {
            switch prediction {
            case .success(let logits):
                classifications.append(
                    Classification(logits: logits, classes: model.classes, top: min(top, model.classes.count)))
            case .failure(let failure):
                let name = report.predictions.count == 1 ? "" : "Image \(index): "
                return .failure(HTTPError(failure.status, name + failure.description))
            }
        }
        for classification in classifications {
            metrics.prediction(model: model.name, class: classification.best.label)
        }
        return .success(classifications)
    }

    /// Fields of the access log.
    private static func annotations(of report: PredictionReport, by model: Model) -> [String: String] {
        [
            "model": model.name, "version": model.version, "images": "\(report.predictions.count)",
            "batch": "\(report.batchSize)", "queue_ms": "\(report.queueWait.milliseconds)",
            "decode_ms": "\(report.decoding.milliseconds)", "inference_ms": "\(report.inference.milliseconds)",
        ]
    }

    func httpError(for error: PredictionError, _ deadline: RequestDeadline) -> HTTPError {
        switch error {
        case .queueFull(let reason):
            reject(
                .queueFull,
                .problem(
                    .tooManyRequests,
                    "The queue is full (\(Self.key(of: reason))); try again in a second, with fewer or smaller images.",
                    headerFields: [.retryAfter: "1"]))
        case .tooManyPixels(let found, let limit):
            HTTPError(
                .contentTooLarge,
                "The images of the request have \(found) pixels in total, and one request may have \(limit) "
                    + "(images.max_request_pixels); send fewer or smaller images at once.")
        case .deadlineExceeded:
            reject(
                .deadline,
                .problem(
                    .gatewayTimeout,
                    "The answer was not ready within \(deadline.limit) of the request's last byte (\(deadline.origin)); send "
                        + "fewer or smaller images at once."))
        case .cancelled: reject(.disconnected, .problem(.requestTimeout, "The client closed the connection."))
        }
    }

    /// The configuration's key that limits the resource that ran out.
    private static func key(of resource: String) -> String {
        resource == "images" ? "batching.queue_capacity" : "batching.queue_\(resource)"
    }

    func reject(_ reason: RejectionReason, _ response: Response) -> HTTPError {
        metrics.rejected(reason: reason)
        return HTTPError(response: response)
    }
}

/// The time by which a request must be answered, counted from its last byte. How long the upload may take is the
/// connection's own limit.
struct RequestDeadline: Sendable, Equatable {
    let time: ContinuousClock.Instant
    let limit: Duration
    /// The setting or parameter that sets the limit, as an error names it.
    let origin: String

    /// The configured limit, or the client's timeout where that is shorter.
    init(_ request: Request, settings: Settings, timeout: Duration? = nil) {
        let configured = settings.batching.requestDeadline
        if let timeout, timeout < configured {
            limit = timeout
            origin = "the request's timeout"
        } else {
            limit = configured
            origin = "batching.request_deadline"
        }
        time = request.receivedAt + limit
    }
}
