import HTTPServer
import Inference

/// `GET /v2/models/stats` and `GET /v2/models/{model}/stats`: Triton's statistics.
struct V2StatisticsRoute: Sendable {
    let models: V2Models
    let statistics: InferenceStatistics

    private struct Listing: Encodable {
        let models: [StatisticsEntry]
        private enum CodingKeys: String, CodingKey { case models = "model_stats" }
    }

    /// Of every model that serves.
    func list(_ request: Request) async -> Response {
        .json(Listing(models: models.store.slots.compactMap(\.model).map(entry)))
    }

    /// Of one.
    func show(_ request: Request) async -> Response {
        do throws(Refusal) {
            return .json(Listing(models: [entry(try models.model(of: request))]))
        } catch {
            return error.response
        }
    }

    private func entry(_ model: Model) -> StatisticsEntry {
        StatisticsEntry(model, statistics.statistics(of: model))
    }
}
