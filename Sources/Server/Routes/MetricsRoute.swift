import HTTPServer
import HTTPTypes

/// `GET /metrics`: Prometheus' text exposition.
struct MetricsRoute: Sendable {
    let metrics: ServingMetrics

    func callAsFunction(_ request: Request) async -> Response {
        Response(
            status: .ok, headerFields: [.contentType: MetricsRegistry.contentType],
            body: Array(metrics.registry.exposition().utf8))
    }
}
