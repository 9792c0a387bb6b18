import HTTPServer

extension Router {
    /// The Open Inference Protocol V2, REST.
    ///
    /// - Source: Open Inference Protocol V2, "HTTP/REST"; Triton's extensions for binary tensors, classification,
    ///   model configuration and statistics
    mutating func addV2(_ desk: PredictionDesk, health: HealthRoute, adminToken: AdminToken?) {
        let models = V2Models(store: desk.store)
        let state = V2StateRoute(models: models, health: health, hasRepository: adminToken != nil)
        let model = V2ModelRoute(models: models, settings: desk.settings)
        let statistics = V2StatisticsRoute(models: models, statistics: desk.metrics.statistics)
        let infer = V2InferRoute(desk: desk, models: models)
        on(.get, RoutePattern.v2.rawValue) { await state.metadata($0) }
        on(.get, RoutePattern.v2Live.rawValue) { await state.live($0) }
        on(.get, RoutePattern.v2Ready.rawValue) { await state.ready($0) }
        on(.get, RoutePattern.v2Statistics.rawValue) { await statistics.list($0) }
        for pattern in [RoutePattern.v2Model, .v2Version] {
            on(.get, pattern.rawValue) { await model.metadata($0) }
        }
        for pattern in [RoutePattern.v2ModelReady, .v2VersionReady] {
            on(.get, pattern.rawValue) { await state.modelReady($0) }
        }
        for pattern in [RoutePattern.v2ModelConfiguration, .v2VersionConfiguration] {
            on(.get, pattern.rawValue) { await model.configuration($0) }
        }
        for pattern in [RoutePattern.v2ModelStatistics, .v2VersionStatistics] {
            on(.get, pattern.rawValue) { await statistics.show($0) }
        }
        for pattern in [RoutePattern.v2ModelInfer, .v2VersionInfer] {
            on(.post, pattern.rawValue, readsBody: true) { await infer($0) }
        }
        if let adminToken {
            let repository = V2RepositoryRoute(store: desk.store, token: adminToken)
            on(.post, RoutePattern.v2RepositoryIndex.rawValue, readsBody: true) { await repository.index($0) }
            on(.post, RoutePattern.v2RepositoryLoad.rawValue, readsBody: true) { await repository.load($0) }
            on(.post, RoutePattern.v2RepositoryUnload.rawValue, readsBody: true) { await repository.unload($0) }
        }
        // The protocol's clients look for the sentence there.
        editProblems(under: RoutePattern.v2.rawValue) { $0.extensions["error"] = $0.detail }
    }
}
