import HTTPServer
import Inference

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
        router.on(.post, RoutePattern.predict.rawValue, readsBody: true) { await predict($0) }
        router.on(.post, RoutePattern.modelPredict.rawValue, readsBody: true) { await predict($0) }
        router.on(.get, RoutePattern.models.rawValue) { await models.list($0) }
        router.on(.get, RoutePattern.model.rawValue) { await models.show($0) }
        router.on(.get, RoutePattern.classes.rawValue) { await classes($0) }
        router.on(.get, RoutePattern.healthz.rawValue) { await health.live($0) }
        router.on(.get, RoutePattern.readyz.rawValue) { await health.ready($0) }
        router.on(.get, RoutePattern.metrics.rawValue) { await exposition($0) }
        router.on(.get, RoutePattern.contract.rawValue) { await contract($0) }
        router.addV2(desk, health: health, adminToken: adminToken)
        if let adminToken {
            let reload = ReloadRoute(store: store, token: adminToken)
            router.on(.post, RoutePattern.modelReload.rawValue) { await reload($0) }
        }
        return router
    }
}
