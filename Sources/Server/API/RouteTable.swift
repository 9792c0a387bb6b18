import HTTPServer
import Inference

extension Router {
    /// Every route of the HTTP contract.
    static func serving(
        store: ModelStore, batcher: Batcher, workers: WorkerPool, phase: ServingPhase, metrics: ServingMetrics,
        settings: Settings,
        adminToken: AdminToken?
    ) -> Router {
        let service = PredictionService(
            store: store, batcher: batcher, workers: workers, phase: phase, metrics: metrics, settings: settings)
        let predict = PredictRoute(service: service)
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
        router.addV2(service, health: health, adminToken: adminToken)
        if let adminToken {
            let reload = ReloadRoute(store: store, token: adminToken)
            router.serve(.post, .modelReload) { await reload($0) }
        }
        let advice = PathAdvice(routes: router.routes)
        router.advise { advice($0, $1, $2) }
        return router
    }
}

/// The paths of the HTTP contract; also the label `route` of the metrics.
enum RoutePattern: String, CaseIterable {
    case predict = "/predict"
    case models = "/v1/models"
    case model = "/v1/models/{model}"
    case modelPredict = "/v1/models/{model}/predict"
    case modelReload = "/v1/models/{model}/reload"
    case classes = "/classes"
    case healthz = "/healthz"
    case readyz = "/readyz"
    case metrics = "/metrics"
    case contract = "/openapi.json"
    case v2 = "/v2"
    case v2Live = "/v2/health/live"
    case v2Ready = "/v2/health/ready"
    case v2Statistics = "/v2/models/stats"
    case v2Model = "/v2/models/{model}"
    case v2ModelReady = "/v2/models/{model}/ready"
    case v2ModelConfiguration = "/v2/models/{model}/config"
    case v2ModelStatistics = "/v2/models/{model}/stats"
    case v2ModelInfer = "/v2/models/{model}/infer"
    case v2RepositoryIndex = "/v2/repository/index"
    case v2RepositoryLoad = "/v2/repository/models/{model}/load"
    case v2RepositoryUnload = "/v2/repository/models/{model}/unload"
    case v2Version = "/v2/models/{model}/versions/{version}"
    case v2VersionReady = "/v2/models/{model}/versions/{version}/ready"
    case v2VersionConfiguration = "/v2/models/{model}/versions/{version}/config"
    case v2VersionStatistics = "/v2/models/{model}/versions/{version}/stats"
    case v2VersionInfer = "/v2/models/{model}/versions/{version}/infer"
}

extension Router {
    /// The Open Inference Protocol V2, REST.
    ///
    /// - Source: Open Inference Protocol V2, "HTTP/REST"; Triton's extensions for binary tensors, classification,
    ///   model configuration and statistics
    mutating func addV2(_ service: PredictionService, health: HealthRoute, adminToken: AdminToken?) {
        let models = V2ModelLookup(store: service.store)
        let state = V2ServerRoute(models: models, health: health, hasRepository: adminToken != nil)
        let model = V2ModelRoute(models: models, settings: service.settings)
        let statistics = V2StatisticsRoute(models: models, statistics: service.metrics.statistics)
        let infer = V2InferRoute(service: service, models: models)
        serve(.get, .v2) { await state.metadata($0) }
        serve(.get, .v2Live, query: .unread) { await state.live($0) }
        serve(.get, .v2Ready, query: .unread) { await state.ready($0) }
        serve(.get, .v2Statistics) { await statistics.list($0) }
        for pattern in [RoutePattern.v2Model, .v2Version] {
            serve(.get, pattern) { await model.metadata($0) }
        }
        for pattern in [RoutePattern.v2ModelReady, .v2VersionReady] {
            serve(.get, pattern, query: .unread) { await state.modelReady($0) }
        }
        for pattern in [RoutePattern.v2ModelConfiguration, .v2VersionConfiguration] {
            serve(.get, pattern) { await model.configuration($0) }
        }
        for pattern in [RoutePattern.v2ModelStatistics, .v2VersionStatistics] {
            serve(.get, pattern) { await statistics.show($0) }
        }
        for pattern in [RoutePattern.v2ModelInfer, .v2VersionInfer] {
            serve(.post, pattern, readsBody: true) { await infer($0) }
        }
        if let adminToken {
            let repository = V2RepositoryRoute(store: service.store, token: adminToken)
            serve(.post, .v2RepositoryIndex, readsBody: true) { await repository.index($0) }
            serve(.post, .v2RepositoryLoad, readsBody: true) { await repository.load($0) }
            serve(.post, .v2RepositoryUnload, readsBody: true) { await repository.unload($0) }
        }
        // The protocol's clients look for the sentence there.
        editProblems(under: RoutePattern.v2.rawValue) { $0.extensions["error"] = $0.detail }
    }
}
