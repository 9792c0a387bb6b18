import HTTPServer
import HTTPTypes
import Inference
import Threads

/// The paths of the HTTP contract; also the values of the metrics' label `route`.
enum RoutePattern: String, CaseIterable {
    case root = "/"
    case pageFile = "/page/{file}"
    case predict = "/predict"
    case invocations = "/invocations"
    case torchServe = "/predictions/{model}"
    case models = "/v1/models"
    case model = "/v1/models/{model}"
    case modelPredict = "/v1/models/{model}/predict"
    case instances = "/v1/models/{model}:predict"
    case examples = "/v1/models/{model}:classify"
    case modelExplain = "/v1/models/{model}/explain"
    case modelFilters = "/v1/models/{model}/filters"
    case modelReload = "/v1/models/{model}/reload"
    case training = "/v1/training"
    case classes = "/classes"
    case healthz = "/healthz"
    case readyz = "/readyz"
    case ping = "/ping"
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

    /// The routes that run a network.
    static let predictions: Set<RoutePattern> = [
        .predict, .modelPredict, .modelExplain, .v2ModelInfer, .v2VersionInfer, .invocations, .torchServe, .instances,
        .examples,
    ]
}

extension Router {
    /// A router with every route of the HTTP contract.
    ///
    /// - Parameter adminToken: nil leaves the admin routes out.
    static func serving(
        store: ModelStore, batcher: Batcher, workers: WorkerPool, phase: ServingPhase, metrics: ServingMetrics,
        settings: Settings, adminToken: AdminToken?
    ) -> Router {
        let service = PredictionService(
            store: store, batcher: batcher, workers: workers, phase: phase, metrics: metrics, settings: settings)
        let health = HealthRoute(store: store, phase: phase)
        var router = Router()
        router.addPredictions(service)
        router.addOtherClients(service)
        router.addExplanations(service)
        router.addStatus(store, metrics: metrics, health: health)
        router.addV2(service, health: health, hasRepository: adminToken != nil)
        if let adminToken { router.addAdmin(store, adminToken) }
        router.addPage(store, health: health, servesPage: settings.server.page)
        // Clients of the Open Inference Protocol look for the sentence in a member `error`.
        router.editProblems(under: RoutePattern.v2.rawValue) { $0.extensions["error"] = $0.detail }
        // TorchServe's clients look for it in a member `message`.
        router.editProblems(under: "/predictions") { $0.extensions["message"] = $0.detail }
        let advice = PathAdvice(routes: router.routes)
        router.advise { advice($0, $1, $2) }
        return router
    }

    private mutating func addPredictions(_ service: PredictionService) {
        let predict = PredictRoute(service: service)
        for pattern in [RoutePattern.predict, .modelPredict, .invocations] {
            serve(.post, pattern, query: .prediction, readsBody: true) { await predict($0) }
        }
    }

    /// Routes that the clients of other servers use.
    private mutating func addOtherClients(_ service: PredictionService) {
        let torchServe = TorchServeRoute(service: service)
        serve(.post, .torchServe, readsBody: true) { await torchServe($0) }
        // TorchServe's documentation uploads with curl -T.
        serve(.put, .torchServe, readsBody: true) { await torchServe($0) }
        let predict = TensorFlowServingRoute(service: service, verb: .predict)
        let classify = TensorFlowServingRoute(service: service, verb: .classify)
        serve(.post, .instances, readsBody: true) { await predict($0) }
        serve(.post, .examples, readsBody: true) { await classify($0) }
    }

    private mutating func addExplanations(_ service: PredictionService) {
        let explain = ExplainRoute(service: service, queue: ExplanationQueue(workers: service.workers))
        let filters = FiltersRoute(service: service)
        serve(.post, .modelExplain, query: .explanation, readsBody: true) { await explain($0) }
        serve(.get, .modelFilters) { await filters($0) }
    }

    /// The page, and what only the page asks for.
    private mutating func addPage(_ store: ModelStore, health: HealthRoute, servesPage: Bool) {
        if servesPage {
            let file = PageFileRoute()
            let training = TrainingRoute { store.folders }
            serve(.get, .pageFile, query: .ignored) { file($0) }
            serve(.get, .training) { await training($0) }
        }
        let root = RootRoute(
            health: health, servesPage: servesPage, routes: routes.map { "\($0.method.rawValue) \($0.pattern)" })
        serve(.get, .root, query: .ignored) { await root($0) }
    }

    private mutating func addStatus(_ store: ModelStore, metrics: ServingMetrics, health: HealthRoute) {
        let models = ModelsRoute(store: store)
        let classes = ClassesRoute(store: store)
        let exposition = MetricsRoute(metrics: metrics)
        let contract = ContractRoute()
        serve(.get, .models) { await models.list($0) }
        serve(.get, .model) { await models.show($0) }
        serve(.get, .classes) { await classes($0) }
        serve(.get, .healthz, query: .ignored) { await health.live($0) }
        serve(.get, .readyz, query: .ignored) { await health.ready($0) }
        let ping = PingRoute(health: health)
        serve(.get, .ping, query: .ignored) { await ping($0) }
        serve(.get, .metrics, query: .ignored) { await exposition($0) }
        serve(.get, .contract, query: .ignored) { await contract($0) }
    }

    /// The Open Inference Protocol V2 over REST.
    ///
    /// - Source: Open Inference Protocol V2, "HTTP/REST"; Triton's extensions for binary tensors, classification,
    ///   model configuration and statistics
    private mutating func addV2(_ service: PredictionService, health: HealthRoute, hasRepository: Bool) {
        let lookup = V2ModelLookup(store: service.store)
        let server = V2ServerRoute(lookup: lookup, health: health, hasRepository: hasRepository)
        let model = V2ModelRoute(lookup: lookup, settings: service.settings)
        let statistics = V2StatisticsRoute(lookup: lookup, statistics: service.metrics.statistics)
        let infer = V2InferRoute(service: service, lookup: lookup)
        serve(.get, .v2) { await server.metadata($0) }
        serve(.get, .v2Live, query: .ignored) { await server.live($0) }
        serve(.get, .v2Ready, query: .ignored) { await server.ready($0) }
        serve(.get, .v2Statistics) { await statistics.list($0) }
        for pattern in [RoutePattern.v2Model, .v2Version] {
            serve(.get, pattern) { await model.metadata($0) }
        }
        for pattern in [RoutePattern.v2ModelReady, .v2VersionReady] {
            serve(.get, pattern, query: .ignored) { await server.modelReady($0) }
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
    }

    /// The routes that load and unload models.
    ///
    /// - Source: Triton Inference Server, "Model Repository Extension"
    private mutating func addAdmin(_ store: ModelStore, _ token: AdminToken) {
        let reload = ReloadRoute(store: store, token: token)
        serve(.post, .modelReload) { await reload($0) }
        let repository = V2RepositoryRoute(store: store, token: token)
        serve(.post, .v2RepositoryIndex, readsBody: true) { await repository.index($0) }
        serve(.post, .v2RepositoryLoad, readsBody: true) { await repository.load($0) }
        serve(.post, .v2RepositoryUnload, readsBody: true) { await repository.unload($0) }
    }

    /// Registers a route of the contract. The route refuses query parameters that `query` does not accept.
    private mutating func serve(
        _ method: HTTPRequest.Method, _ pattern: RoutePattern, query: QueryRule = .none, readsBody: Bool = false,
        _ handler: @escaping Handler
    ) {
        on(method, pattern.rawValue, readsBody: readsBody) { request in
            if let refusal = query.refusal(of: request) { return refusal }
            return await handler(request)
        }
    }
}
