import HTTPServer

extension Router {
    /// Every route of the HTTP contract.
    static func serving(
        store: ModelStore, batcher: Batcher, phase: ServingPhase, metrics: ServingMetrics, settings: Settings,
        adminToken: AdminToken?
    ) -> Router {
        let predict = PredictRoute(
            store: store, batcher: batcher, phase: phase, metrics: metrics, settings: settings)
        let models = ModelsRoute(store: store)
        let health = HealthRoute(store: store, phase: phase)
        let classes = ClassesRoute(store: store)
        let exposition = MetricsRoute(metrics: metrics)
        var router = Router()
        router.on(.post, "/predict", readsBody: true) { await predict($0) }
        router.on(.post, "/v1/models/{model}/predict", readsBody: true) { await predict($0) }
        router.on(.get, "/v1/models") { await models.list($0) }
        router.on(.get, "/v1/models/{model}") { await models.show($0) }
        router.on(.get, "/classes") { await classes($0) }
        router.on(.get, "/healthz") { await health.live($0) }
        router.on(.get, "/readyz") { await health.ready($0) }
        router.on(.get, "/metrics") { await exposition($0) }
        if let adminToken {
            let reload = ReloadRoute(store: store, token: adminToken)
            router.on(.post, "/v1/models/{model}/reload") { await reload($0) }
        }
        return router
    }
}
