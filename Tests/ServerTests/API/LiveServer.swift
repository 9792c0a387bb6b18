import Foundation
import HTTPServer
import Inference
import Logging
import ModelTestSupport
import TestSupport
import Threads

@testable import Server

/// Every route over a live socket, in front of a tiny model.
final class LiveServer: Sendable {
    let store: ModelStore
    let phase = ServingPhase()
    let metrics = ServingMetrics(routes: RoutePattern.allCases.map(\.rawValue))
    let port: Int
    /// Every route as `GET /path`.
    let routes: [String]
    private let server: SocketServer
    /// Kept, since its folder is deleted with it.
    private let tiny: TinyModel

    /// - Parameters:
    ///   - loadsModel: whether the model is loaded before the first request.
    ///   - adminToken: opens the reload route.
    init(
        _ tiny: TinyModel, loadsModel: Bool = true, adminToken: AdminToken? = nil,
        adjust: (inout Settings) -> Void = { _ in }
    ) async throws {
        self.tiny = tiny
        var settings = Settings()
        settings.server.port = 0
        // Other tests may occupy every thread for a while.
        settings.batching.requestDeadline = .seconds(600)
        adjust(&settings)
        var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        let workers = WorkerPool(threadCount: 2)
        store = try ModelStore(
            .files([try ModelFiles(folder: tiny.folder.path)]), defaultName: nil,
            reader: ModelLoader(workers: workers, defaultPrecision: settings.models.precision),
            metrics: metrics, logger: logger)
        if loadsModel { _ = await store.loadAll() }
        let router = Router.serving(
            store: store, batcher: Batcher(settings: settings, workers: workers, metrics: metrics), workers: workers,
            phase: phase,
            metrics: metrics, settings: settings, adminToken: adminToken)
        routes = router.routes.map { "\($0.method.rawValue) \($0.pattern)" }
        server = SocketServer(
            options: ServerOptions(settings, threadCount: workers.threadCount), router: router,
            observer: AccessObserver(metrics: metrics, logger: logger, logging: .all), logger: logger)
        port = try server.start().port
    }

    func stop() async { _ = await server.drain(timeout: .zero) }

    func client() -> TestClient { TestClient(port: port, server: self) }

    /// One request on a connection of its own.
    func exchange(
        _ method: String, _ target: String, fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> TestClient.Answer {
        try await client().exchange(method, target, fields: fields, body: body)
    }

    /// Bytes as they are, on a connection of their own.
    func exchange(raw: String) async throws -> TestClient.Answer {
        let client = client()
        await client.send(raw)
        guard let answer = await client.answer() else { throw TestClient.Disconnected() }
        return answer
    }
}

extension TestClient.Answer {
    /// The content as JSON.
    func json() throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] ?? [:]
    }

    /// What a problem document says.
    var detail: String? { (try? json())?["detail"] as? String }
}
