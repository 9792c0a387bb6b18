import HTTPServer
import HTTPTypes

/// `GET /healthz` and `GET /readyz`: for a container's probes and a load balancer.
struct HealthRoute: Sendable {
    let store: ModelStore
    let phase: ServingPhase

    /// 200 while the process lives.
    func live(_ request: Request) async -> Response { .text("ok\n") }

    /// 200 once the default model is loaded and warmed up; 503 before that and while draining.
    func ready(_ request: Request) async -> Response {
        if phase.isDraining { return .unavailable("The server is draining.") }
        guard store.defaultSlot?.model != nil else {
            return .defaultNotLoaded(store)
        }
        return .text("ready\n")
    }
}
