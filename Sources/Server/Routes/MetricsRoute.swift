import HTTPServer
import HTTPTypes

/// `GET /metrics`: Prometheus' text exposition.
struct MetricsRoute: Sendable {
    let metrics: ServingMetrics

    func callAsFunction(_ request: Request) async -> Response {
        Response(
            status: .ok, headerFields: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: Array(metrics.registry.exposition().utf8))
    }
}
