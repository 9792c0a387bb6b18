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
            let repository = V2RepositoryRoute(store: desk.store, token: adminToken)
            serve(.post, .v2RepositoryIndex, readsBody: true) { await repository.index($0) }
            serve(.post, .v2RepositoryLoad, readsBody: true) { await repository.load($0) }
            serve(.post, .v2RepositoryUnload, readsBody: true) { await repository.unload($0) }
        }
        // The protocol's clients look for the sentence there.
        editProblems(under: RoutePattern.v2.rawValue) { $0.extensions["error"] = $0.detail }
    }
}
