import HTTPServer
import HTTPTypes
import Inference

/// What every route that asks a model has in common, whatever its requests and answers look like: who is let in, the
/// batcher, metrics, the access log's annotations, and the answers to failures.
final class PredictionService: Sendable {
    let store: ModelStore
    let batcher: Batcher
    let workers: WorkerPool
    let phase: ServingPhase
    let metrics: ServingMetrics
    let settings: Settings

    private static let clock = ContinuousClock()

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

    /// The refusal where no model is the default.
    func noDefault() -> HTTPError { reject(.notReady, .defaultNotLoaded(store)) }

    /// The most numbers or classes of an answer that the thread of a connection writes by itself: a few milliseconds' worth.
    private static let smallAnswer = 1024

    /// Has images predicted; `respond` writes the answer.
    ///
    /// - Parameters:
    ///   - request: whose images they are; its address tells clients apart.
    ///   - valueCount: how many numbers or classes the answer will hold.
    func answer(
        _ images: [PictureInput], of request: Request, by model: Model, deadline: RequestDeadline, valueCount: Int,
        _ respond: @escaping @Sendable (PredictionReport) -> Response
    ) async -> Response {
        let start = Self.clock.now
        do throws(PredictionError) {
            let report = try await batcher.predict(
                images, by: model, client: ClientKey.of(request.remoteAddress), deadline: deadline.time)
            let predicted = Self.clock.now
            var response =
                valueCount <= Self.smallAnswer ? respond(report) : await workers.perform(.high) { respond(report) }
            response.annotations = { Self.annotations(of: report, by: model) }
            let end = Self.clock.now
            if response.problem == nil {
                metrics.statistics.answered(by: model, report, output: end - predicted, total: end - start)
            } else {
                metrics.statistics.failed(by: model, total: end - start)
            }
            return response
        } catch {
            metrics.statistics.failed(by: model, total: Self.clock.now - start)
            return refusal(for: error, deadline).response
        }
    }

    private static func annotations(of report: PredictionReport, by model: Model) -> [String: String] {
        [
            "model": model.name, "version": model.version, "images": "\(report.predictions.count)",
            "batch": "\(report.batchSize)", "queue_ms": "\(report.queueWait.milliseconds)",
            "decode_ms": "\(report.decoding.milliseconds)", "inference_ms": "\(report.inference.milliseconds)",
        ]
    }

    private func refusal(for error: PredictionError, _ deadline: RequestDeadline) -> HTTPError {
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
                response: .problem(
                    .contentTooLarge,
                    "The images of the request have \(found) pixels in all, and at most \(limit) are decoded for one request "
                        + "(images.max_request_pixels); send fewer or smaller images at once."))
        case .deadlineExceeded:
            reject(
                .deadline,
                .problem(
                    .gatewayTimeout,
                    "The answer did not come within \(deadline.limit) of the request's last byte (\(deadline.origin)); "
                        + "send fewer or smaller images at once."))
        case .cancelled: reject(.disconnected, .problem(.requestTimeout, "The client went away."))
        }
    }

    /// The key that limits what there was too little of.
    private static func key(of shortage: String) -> String {
        shortage == "images" ? "batching.queue_capacity" : "batching.queue_\(shortage)"
    }

    private func reject(_ reason: RejectionReason, _ response: Response) -> HTTPError {
        metrics.rejected(reason: reason)
        return HTTPError(response: response)
    }
}

/// By when a request must be answered, and who says so: so long behind its last byte. How long the upload takes is the
/// connection's affair.
struct RequestDeadline: Sendable, Equatable {
    let time: ContinuousClock.Instant
    let limit: Duration
    /// Where the limit comes from, for a sentence.
    let origin: String

    /// The server's own limit, or what the client has patience for where that is less.
    init(_ request: Request, settings: Settings, patience: Duration? = nil) {
        let own = settings.batching.requestDeadline
        if let patience, patience < own {
            limit = patience
            origin = "the request's timeout"
        } else {
            limit = own
            origin = "batching.request_deadline"
        }
        time = request.receivedAt + limit
    }
}
