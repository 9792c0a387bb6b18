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

    private static let clock = ContinuousClock()

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

    /// Predicts images; `respond` writes the answer.
    ///
    /// - Parameters:
    ///   - request: the one that the images came with; its address identifies the client.
    ///   - valueCount: how many numbers or classes the answer will hold.
    func answer(
        _ images: [ImageInput], of request: Request, by model: Model, deadline: RequestDeadline, valueCount: Int,
        _ respond: @escaping @Sendable (PredictionReport) -> Response
    ) async -> Response {
        let start = Self.clock.now
        do throws(PredictionError) {
            let report = try await batcher.predict(
                images, by: model, client: ClientKey.of(request.remoteAddress), deadline: deadline.time)
            let predicted = Self.clock.now
            var response =
                valueCount <= Self.maxInlineValueCount
                ? respond(report) : await workers.perform(.high) { respond(report) }
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
            return httpError(for: error, deadline).response
        }
    }

    /// Fields of the access log.
    private static func annotations(of report: PredictionReport, by model: Model) -> [String: String] {
        [
            "model": model.name, "version": model.version, "images": "\(report.predictions.count)",
            "batch": "\(report.batchSize)", "queue_ms": "\(report.queueWait.milliseconds)",
            "decode_ms": "\(report.decoding.milliseconds)", "inference_ms": "\(report.inference.milliseconds)",
        ]
    }

    private func httpError(for error: PredictionError, _ deadline: RequestDeadline) -> HTTPError {
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

    private func reject(_ reason: RejectionReason, _ response: Response) -> HTTPError {
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
