import CResources
import HTTPServer
import HTTPTypes

/// `GET /healthz` and `GET /readyz`: for a container's probes and a load balancer.
struct HealthRoute: Sendable {
    let store: ModelStore
    let phase: ServingPhase

    /// 200 while the process lives.
    func live(_ request: Request) async -> Response { .text("ok\n") }

    /// 200 once the default model is loaded and warmed up; 503 before that, and while the server drains.
    func ready(_ request: Request) async -> Response {
        if phase.isDraining { return .unavailable("The server is draining.") }
        guard store.defaultSlot?.model != nil else { return .defaultNotLoaded(store) }
        return .text("ready\n")
    }
}

/// `GET /classes`: the default model's class-index map, in the form of `class_indices.json`.
struct ClassesRoute: Sendable {
    private let report: CoalescedReport

    init(store: ModelStore) {
        report = CoalescedReport("classes") {
            guard let model = store.defaultSlot?.model else { return .defaultNotLoaded(store) }
            return Response(
                status: .ok, headerFields: [.contentType: "application/json"], body: Array(model.classes.json.utf8))
        }
    }

    func callAsFunction(_ request: Request) async -> Response { await report() }
}

/// `GET /metrics`: Prometheus' text exposition.
struct MetricsRoute: Sendable {
    private let report: CoalescedReport

    init(metrics: ServingMetrics) {
        report = CoalescedReport("metrics") {
            Response(
                status: .ok, headerFields: [.contentType: MetricsRegistry.contentType],
                body: Array(metrics.registry.exposition().utf8))
        }
    }

    func callAsFunction(_ request: Request) async -> Response { await report() }
}

/// `GET /openapi.json`: the whole HTTP contract, OpenAPI 3.1.
struct ContractRoute: Sendable {
    /// The file `CResources/openapi.json`. A test compares it with the routes, the real answers and ``Version``.
    static let document: [UInt8] = {
        let file = resource_openapi()
        return Array(UnsafeBufferPointer(start: file.bytes, count: file.byte_count))
    }()

    func callAsFunction(_ request: Request) async -> Response {
        Response(status: .ok, headerFields: [.contentType: "application/json"], body: Self.document)
    }
}
