import Synchronization

/// The metrics of the server, with a method for each event.
///
/// The metric's help text and `docs/reference/metrics.md` say where each clock starts and ends. Routes and methods come
/// from clients, so unknown ones are folded into `unmatched` and `other`; all other label values are the operator's.
public final class ServingMetrics: Sendable {
    /// Upper bounds for times, from half a millisecond to ten seconds. Units: seconds.
    static let secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    /// Upper bounds for images in a batch.
    static let batchBuckets: [Double] = [1, 2, 4, 8, 16, 32, 64, 128]
    /// Label values of methods: RFC 9110 §9.1 and RFC 5789.
    static let methods: Set = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]

    /// The metrics that `GET /metrics` exposes.
    public let registry: MetricsRegistry
    /// The statistics that `GET /v2/models/stats` returns.
    public let statistics = InferenceStatistics()

    /// The leases of each model's series.
    let leases = Mutex<[String: ModelSeriesLease.Count]>([:])

    private let routes: Set<String>
    private let requests: MetricSeries<Counter>
    private let requestDuration: MetricSeries<Histogram>
    private let connections: MetricSeries<Gauge>
    private let depth: MetricSeries<Gauge>
    private let modelDepth: MetricSeries<Gauge>
    private let wait: MetricSeries<Histogram>
    private let batches: MetricSeries<Histogram>
    private let decoding: MetricSeries<Histogram>
    private let preprocessing: MetricSeries<Histogram>
    private let passes: MetricSeries<Histogram>
    private let predictions: MetricSeries<Counter>
    private let rejections: MetricSeries<Counter>
    private let modelInfo: MetricSeries<Gauge>
    private let reloads: MetricSeries<Counter>
    private let loadedTimestamp: MetricSeries<Gauge>
    private let modelMemory: MetricSeries<Gauge>

    /// Registers every metric of the server and of its process.
    ///
    /// - Parameter routes: the patterns that requests are matched to, such as `/v1/models/{model}/predict`.
    public init(registry: MetricsRegistry = MetricsRegistry(), routes: [String]) {
        self.registry = registry
        self.routes = Set(routes)
        requests = registry.counter(
            "alexnet_http_requests_total", help: "Requests that were answered.",
            labels: ["route", "method", "status"], seriesLimit: 4000)
        requestDuration = registry.histogram(
            "alexnet_http_request_duration_seconds",
            help: "Time from a request's first byte until the last byte of its response is handed to the socket.",
            labels: ["route"], buckets: Self.secondsBuckets)
        connections = registry.gauge("alexnet_http_connections", help: "Connections that are open.")
        depth = registry.gauge("alexnet_queue_depth", help: "Images that wait for a batch.")
        modelDepth = registry.gauge(
            "alexnet_model_queue_depth", help: "Images of each model that wait for a batch.", labels: ["model"])
        wait = registry.histogram(
            "alexnet_queue_wait_seconds",
            help: "Time from an image's entry into the queue, decoded and preprocessed, until a worker takes it.",
            buckets: Self.secondsBuckets)
        batches = registry.histogram(
            "alexnet_batch_size", help: "Images in one forward pass.", buckets: Self.batchBuckets)
        decoding = registry.histogram(
            "alexnet_decode_seconds",
            help: "Time that the codec took for one image, from compressed bytes to the pixels that are needed.",
            buckets: Self.secondsBuckets)
        preprocessing = registry.histogram(
            "alexnet_preprocess_seconds",
            help:
                "Time that resizing, cropping and normalising one image took, between the codec's rows and after them.",
            buckets: Self.secondsBuckets)
        passes = registry.histogram(
            "alexnet_inference_seconds",
            help: "Time from a whole batch's inputs to its probabilities, on the thread that computes it.",
            labels: ["model"], buckets: Self.secondsBuckets)
        predictions = registry.counter(
            "alexnet_predictions_total", help: "Images that were classified, by their most probable class.",
            labels: ["model", "class"], seriesLimit: 5000)
        rejections = registry.counter(
            "alexnet_rejected_total", help: "Valid requests that were rejected or dropped.",
            labels: ["reason"])
        modelInfo = registry.gauge(
            "alexnet_model_info", help: "The version of each model that serves; always 1.",
            labels: ["model", "architecture", "version"])
        reloads = registry.counter(
            "alexnet_model_reloads_total", help: "Attempts to load a model again, by how they ended.",
            labels: ["model", "outcome"])
        loadedTimestamp = registry.gauge(
            "alexnet_model_loaded_timestamp_seconds",
            help: "When the version that serves took over, in seconds since 1970.", labels: ["model"])
        modelMemory = registry.gauge(
            "alexnet_model_memory_bytes",
            help: "What the version that serves holds: weights, prepared kernels and working memory.", labels: ["model"]
        )
        registry.gauge("alexnet_build_info", help: "The version of the program; always 1.", labels: ["version"])(
            Version.current
        ).set(1)
        registry.add(ProcessMetrics())
        // A series that appears only with its first failure hides that failure from rate() and increase().
        for reason in RejectionReason.allCases { _ = rejections(reason.rawValue) }
    }
}

// MARK: Log

extension ServingMetrics {
    /// Adds the count of the lines that a log has dropped.
    func countLostLines(of log: LogWriter) {
        registry.counter(
            "alexnet_log_lines_dropped_total",
            help: "Lines of the log that were dropped: nobody read them fast enough, or they could not be written.",
            reading: { log.droppedCount })
    }
}

// MARK: Requests and connections

extension ServingMetrics {
    /// A request was answered.
    ///
    /// - Parameters:
    ///   - route: the pattern it was matched to; nil, or one that was not registered, counts as `unmatched`.
    ///   - duration: from the request's first byte until the last byte of the response is handed to the socket.
    public func requestCompleted(route: String?, method: String, status: Int, duration: Duration) {
        let route = route.flatMap { routes.contains($0) ? $0 : nil } ?? "unmatched"
        let method = Self.methods.contains(method) ? method : "other"
        requests(route, method, 100...599 ~= status ? "\(status)" : "other").increment()
        requestDuration(route).observe(duration)
    }

    /// A valid request was refused or dropped.
    public func rejected(reason: RejectionReason) { rejections(reason.rawValue).increment() }

    /// A connection was accepted.
    public func connectionOpened() { connections().increment() }

    /// A connection that had been accepted was closed.
    public func connectionClosed() { connections().decrement() }
}

// MARK: Images and batches

extension ServingMetrics {
    /// The depth of the queue changed: of all models, and of one.
    public func queueDepth(_ imageCount: Int, of model: String, _ modelCount: Int) {
        depth().set(Double(imageCount))
        modelDepth(model).set(Double(modelCount))
    }

    /// An image left the queue for a batch.
    public func queueWait(_ duration: Duration) { wait().observe(duration) }

    /// A forward pass of this many images begins.
    public func batchSize(_ imageCount: Int) { batches().observe(Double(imageCount)) }

    /// An image was decoded: the codec's time, without the resizing of rows in between.
    public func decode(_ duration: Duration) { decoding().observe(duration) }

    /// An image was preprocessed: from pixels to the network's input.
    public func preprocess(_ duration: Duration) { preprocessing().observe(duration) }

    /// A batch was computed: from its inputs to probabilities.
    public func inference(model: String, _ duration: Duration) { passes(model).observe(duration) }

    /// An image was classified.
    public func prediction(model: String, class name: String) { predictions(model, name).increment() }
}

// MARK: Models

extension ServingMetrics {
    /// A version of a model is served from now on, instead of the one before it.
    ///
    /// - Parameters:
    ///   - time: when it replaced the version before. Units: seconds since 1970.
    ///   - byteCount: the memory that it holds. Units: bytes.
    public func modelLoaded(model: String, architecture: String, version: String, at time: Double, byteCount: Int) {
        modelInfo.replace(where: { $0[0] == model }, with: [model, architecture, version]) { $0.set(1) }
        loadedTimestamp(model).set(time)
        modelMemory(model).set(Double(byteCount))
        for outcome in ReloadOutcome.allCases { _ = reloads(model, outcome.rawValue) }
    }

    /// A model is no longer served, though it may come back.
    public func modelUnloaded(model: String) {
        modelInfo.remove { $0[0] == model }
        for series in [loadedTimestamp, modelMemory, modelDepth] { series.remove { $0[0] == model } }
    }

    /// A model was removed. Its series are removed, too, to make room for others.
    public func modelRemoved(model: String) {
        modelUnloaded(model: model)
        passes.remove { $0[0] == model }
        statistics.remove(model: model)
        for series in [predictions, reloads] { series.remove { $0[0] == model } }
    }

    /// A reload ended.
    public func reload(model: String, outcome: ReloadOutcome) { reloads(model, outcome.rawValue).increment() }
}

/// Why a valid request was refused or dropped: the label `reason` of `alexnet_rejected_total`.
public enum RejectionReason: String, Sendable, CaseIterable {
    /// The queue has no room for the request's images, their bytes or their pixels: 429.
    case queueFull = "queue_full"
    /// The answer did not come within the request's deadline: 504.
    case deadline
    /// The server is stopping: 503.
    case draining
    /// No version of the model is loaded: 503.
    case notReady = "not_ready"
    /// The client hung up while its image waited.
    case disconnected
}
