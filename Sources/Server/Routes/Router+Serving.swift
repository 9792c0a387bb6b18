import HTTPServer
import Inference
import Threads

extension Router {
    /// Every route of the HTTP contract.
    static func serving(
        store: ModelStore, batcher: Batcher, workers: WorkerPool, phase: ServingPhase, metrics: ServingMetrics,
        settings: Settings,
        adminToken: AdminToken?
    ) -> Router {
        let desk = PredictionDesk(
            store: store, batcher: batcher, workers: workers, phase: phase, metrics: metrics, settings: settings)
        let predict = PredictRoute(desk: desk)
        let models = ModelsRoute(store: store)
        let health = HealthRoute(store: store, phase: phase)
        let classes = ClassesRoute(store: store)
        let exposition = MetricsRoute(metrics: metrics)
        let contract = ContractRoute()
        var router = Router()
        router.serve(.post, .predict, query: .prediction, readsBody: true) { await predict($0) }
        router.serve(.post, .modelPredict, query: .prediction, readsBody: true) { await predict($0) }
        router.serve(.get, .models) { await models.list($0) }
        router.serve(.get, .model) { await models.show($0) }
        router.serve(.get, .classes) { await classes($0) }
        router.serve(.get, .healthz, query: .unread) { await health.live($0) }
        router.serve(.get, .readyz, query: .unread) { await health.ready($0) }
        router.serve(.get, .metrics, query: .unread) { await exposition($0) }
        router.serve(.get, .contract, query: .unread) { await contract($0) }
        router.addV2(desk, health: health, adminToken: adminToken)
        if let adminToken {
            let reload = ReloadRoute(store: store, token: adminToken)
            router.serve(.post, .modelReload) { await reload($0) }
        }
        let advice = PathAdvice(routes: router.routes)
        router.advise { advice($0, $1, $2) }
        return router
    }
}
