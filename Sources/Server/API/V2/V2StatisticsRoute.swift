import HTTPServer
import Inference

/// `GET /v2/models/stats` and `GET /v2/models/{model}/stats`: Triton's statistics.
struct V2StatisticsRoute: Sendable {
    private let models: V2Models
    private let statistics: InferenceStatistics
    private let listing: SharedReport

    init(models: V2Models, statistics: InferenceStatistics) {
        self.models = models
        self.statistics = statistics
        listing = SharedReport("statistics") {
            .json(
                Listing(
                    models: models.store.slots.compactMap(\.model).map {
                        StatisticsEntry($0, statistics.statistics(of: $0))
                    }))
        }
    }

    private struct Listing: Encodable {
        let models: [StatisticsEntry]
        private enum CodingKeys: String, CodingKey { case models = "model_stats" }
    }

    /// Of every model that serves.
    func list(_ request: Request) async -> Response { await listing() }

    /// Of one.
    func show(_ request: Request) async -> Response {
        do throws(Refusal) {
            let model = try models.model(of: request)
            return .json(Listing(models: [StatisticsEntry(model, statistics.statistics(of: model))]))
        } catch {
            return error.response
        }
    }
}
