import HTTPServer
import HTTPTypes
import Inference
import Threads

/// What every route that asks a model has in common, whatever its requests and answers look like: who is let in, the
/// batcher, metrics, the access log's annotations, and the answers to failures.
final class PredictionDesk: Sendable {
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
    /// - Throws: ``Refusal`` of 503 while the server stops, or before a version is loaded.
    func model(of slot: ModelSlot, for request: Request) throws(Refusal) -> Model {
        guard phase.accepts(requestFrom: request.startedAt) else {
            throw reject(.draining, .unavailable("The server is shutting down; send the request again."))
        }
        guard let model = slot.model else { throw reject(.notReady, .notLoaded(slot)) }
        return model
    }

    /// The refusal where no model is the default.
    func noDefault() -> Refusal { reject(.notReady, .defaultNotLoaded(store)) }

    /// The most numbers or classes of an answer that the thread of a connection writes by itself: a few milliseconds' worth.
    private static let smallAnswer = 1024

    /// Has pictures predicted; `respond` writes the answer.
    ///
    /// - Parameters:
    ///   - request: whose pictures they are; its address tells clients apart.
    ///   - valueCount: how many numbers or classes the answer will hold.
    func answer(
        _ pictures: [PictureInput], of request: Request, by model: Model, deadline: RequestDeadline, valueCount: Int,
        _ respond: @escaping @Sendable (PredictionReport) -> Response
    ) async -> Response {
        let start = Self.clock.now
        do throws(PredictionError) {
            let report = try await batcher.predict(
                pictures, by: model, client: ClientKey.of(request.remoteAddress), deadline: deadline.time)
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

    private func refusal(for error: PredictionError, _ deadline: RequestDeadline) -> Refusal {
        switch error {
        case .queueFull(let reason):
            reject(
                .queueFull,
                .problem(
                    .tooManyRequests,
                    "The queue is full (\(Self.key(of: reason))); try again in a second, with fewer or smaller pictures.",
                    headerFields: [.retryAfter: "1"]))
        case .tooManyPixels(let found, let limit):
            Refusal(
                response: .problem(
                    .contentTooLarge,
                    "The pictures of the request have \(found) pixels in all, and at most \(limit) are decoded for one request "
                        + "(images.max_request_pixels); send fewer or smaller pictures at once."))
        case .deadlineExceeded:
            reject(
                .deadline,
                .problem(
                    .gatewayTimeout,
                    "The answer did not come within \(deadline.limit) of the request's last byte (\(deadline.origin)); "
                        + "send fewer or smaller pictures at once."))
        case .cancelled: reject(.disconnected, .problem(.requestTimeout, "The client went away."))
        }
    }

    /// The key that limits what there was too little of.
    private static func key(of shortage: String) -> String {
        shortage == "images" ? "batching.queue_capacity" : "batching.queue_\(shortage)"
    }

    private func reject(_ reason: RejectionReason, _ response: Response) -> Refusal {
        metrics.rejected(reason: reason)
        return Refusal(response: response)
    }
}
