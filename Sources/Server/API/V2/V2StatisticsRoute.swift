import HTTPServer
import Inference

/// `GET /v2/models/stats` and `GET /v2/models/{model}/stats`: Triton's statistics.
struct V2StatisticsRoute: Sendable {
    private let lookup: V2ModelLookup
    private let statistics: InferenceStatistics
    private let listing: CoalescedReport

    init(lookup: V2ModelLookup, statistics: InferenceStatistics) {
        self.lookup = lookup
        self.statistics = statistics
        listing = CoalescedReport("statistics") {
            .json(
                Listing(
                    models: lookup.store.slots.compactMap(\.model).map {
                        StatisticsEntry($0, statistics.statistics(of: $0))
                    }))
        }
    }

    private struct Listing: Encodable {
        let models: [StatisticsEntry]
        private enum CodingKeys: String, CodingKey { case models = "model_stats" }
    }

    /// The statistics of every loaded model.
    func list(_ request: Request) async -> Response { await listing() }

    /// The statistics of one model.
    func show(_ request: Request) async -> Response {
        do throws(HTTPError) {
            let model = try lookup.model(of: request)
            return .json(Listing(models: [StatisticsEntry(model, statistics.statistics(of: model))]))
        } catch {
            return error.response
        }
    }
}

/// One model's statistics as Triton writes them. Units: nanoseconds.
///
/// - Source: Triton's statistics extension, "Statistics Response JSON Object"
struct StatisticsEntry: Encodable {
    struct Tally: Encodable {
        let count: Int
        let ns: Int

        init(_ tally: ModelStatistics.Tally) {
            count = tally.count
            ns = Int(tally.total / .nanoseconds(1))
        }

        /// An event that takes no measurable time of its own.
        init(count: Int = 0) {
            self.count = count
            ns = 0
        }
    }

    struct Requests: Encodable {
        let success: Tally
        let fail: Tally
        let queue: Tally
        let computeInput: Tally
        let computeInfer: Tally
        let computeOutput: Tally
        /// There is no response cache.
        let cacheHit = Tally()
        let cacheMiss = Tally()

        fileprivate enum CodingKeys: String, CodingKey {
            case success, fail, queue
            case computeInput = "compute_input"
            case computeInfer = "compute_infer"
            case computeOutput = "compute_output"
            case cacheHit = "cache_hit"
            case cacheMiss = "cache_miss"
        }
    }

    struct Batch: Encodable {
        let size: Int
        /// Only the count is known: images are decoded before they form a batch, and answers are written after it.
        let computeInput: Tally
        let computeInfer: Tally
        let computeOutput: Tally

        private enum CodingKeys: String, CodingKey {
            case size = "batch_size"
            case computeInput = "compute_input"
            case computeInfer = "compute_infer"
            case computeOutput = "compute_output"
        }
    }

    let name: String
    let version: String
    let lastInference: Int
    let inferenceCount: Int
    let executionCount: Int
    let requests: Requests
    let batches: [Batch]

    private enum CodingKeys: String, CodingKey {
        case name, version
        case lastInference = "last_inference"
        case inferenceCount = "inference_count"
        case executionCount = "execution_count"
        case requests = "inference_stats"
        case batches = "batch_stats"
    }

    init(_ model: Model, _ statistics: ModelStatistics) {
        name = model.name
        version = model.version
        lastInference = statistics.lastInference
        inferenceCount = statistics.imageCount
        executionCount = statistics.batchCount
        requests = Requests(
            success: Tally(statistics.success), fail: Tally(statistics.failure), queue: Tally(statistics.queue),
            computeInput: Tally(statistics.input), computeInfer: Tally(statistics.inference),
            computeOutput: Tally(statistics.output))
        batches = statistics.batches.sorted { $0.key < $1.key }.map { size, tally in
            Batch(
                size: size, computeInput: Tally(count: tally.count), computeInfer: Tally(tally),
                computeOutput: Tally(count: tally.count))
        }
    }
}
