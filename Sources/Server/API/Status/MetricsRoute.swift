import HTTPServer
import HTTPTypes

/// `GET /metrics`: Prometheus' text exposition.
struct MetricsRoute: Sendable {
    private let report: SharedReport

    init(metrics: ServingMetrics) {
        report = SharedReport("metrics") {
            Response(
                status: .ok, headerFields: [.contentType: MetricsRegistry.contentType],
                body: Array(metrics.registry.exposition().utf8))
        }
    }

    func callAsFunction(_ request: Request) async -> Response { await report() }
}
