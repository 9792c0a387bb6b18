import Dispatch
import Foundation
import Host
import HTTPServer
import Inference
import Logging
import ServiceLifecycle
import Threads
import UnixSignals

/// The whole server, from the first connection to the last answer.
public struct ServingService: Service {
    private let settings: Settings
    private let threadCount: Int
    let store: ModelStore
    private let timers = TimerQueue()
    private let phase: ServingPhase
    private let server: SocketServer
    private let logger: Logger
    private let announce: @Sendable (String) -> Void

    /// Puts the parts together; no connection is accepted yet.
    ///
    /// - Parameters:
    ///   - files: the models; nil means those in the settings' directory.
    ///   - precision: that of all models; nil leaves it to each `model.json` and the settings.
    ///   - listeningDescriptor: a socket that listens already; nil to listen where the settings say.
    ///   - log: what writes the logger's lines, for the metric of those that are lost.
    ///   - announce: called with the URL once the server is ready.
    public init(
        settings: Settings, files: [ModelFiles]? = nil, precision: Precision? = nil,
        listeningDescriptor: Int32? = nil, log: LogWriter? = nil,
        logger: Logger, announce: @escaping @Sendable (_ url: String) -> Void
    ) throws {
        let settings = settings.fittingDescriptors(DescriptorLimit.raise(for: settings.server.maxConnections), logger)
        let workers = WorkerPool(threadCount: settings.threads.total ?? CPUQuota.current)
        let metrics = ServingMetrics(routes: RoutePattern.allCases.map(\.rawValue))
        if let log { metrics.countLostLines(of: log) }
        let adminToken = try settings.admin.tokenFile.map { path throws(AdminTokenError) in try AdminToken(file: path) }
        let loader = ModelLoader(
            workers: workers, tuning: AlgorithmTuning(settings, workers: workers),
            defaultPrecision: settings.models.precision, precision: precision)
        store = try ModelStore(
            files.map { .files($0) } ?? .directory(settings.models.directory),
            defaultName: settings.models.defaultModel, reader: loader, limits: ModelLimits(settings),
            followsOutsideLinks: settings.models.followOutsideLinks, metrics: metrics, logger: logger)
        phase = ServingPhase()
        let router = Router.serving(
            store: store, batcher: Batcher(settings: settings, workers: workers, timers: timers, metrics: metrics),
            workers: workers, phase: phase, metrics: metrics, settings: settings, adminToken: adminToken)
        var options = ServerOptions(settings, threadCount: workers.threadCount)
        options.listeningDescriptor = listeningDescriptor
        server = SocketServer(
            options: options, router: router,
            observer: AccessObserver(metrics: metrics, logger: logger, logging: settings.log.access),
            logger: logger)
        self.settings = settings
        threadCount = workers.threadCount
        self.logger = logger
        self.announce = announce
    }

    /// Serves until a graceful shutdown is requested and complete.
    ///
    /// - Throws: ``ServingError``, or ``SocketError`` if the server cannot listen.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await serve()
        } onGracefulShutdown: {
            // At once, even while models are being loaded.
            phase.leave()
        }
    }

    private func serve() async throws {
        let url = try server.start().url
        logger.info("listening", metadata: ["url": "\(url)"])
        if let loadedCount = await loadModels() {
            guard loadedCount > 0 || phase.isDraining else {
                _ = await server.drain(timeout: .zero)
                throw ServingError.noModelLoaded(names: store.slots.map(\.name))
            }
            if store.defaultSlot?.model == nil {
                logger.error(
                    "the default model is not loaded: /predict and /readyz answer 503 until its files are mended",
                    metadata: ["model": "\(store.defaultName)"])
            }
            logMemoryBound()
            let watcher = ModelWatcher(store: store, interval: settings.models.reloadInterval, timers: timers)
            store.logDefault()
            if !phase.isDraining {
                announce(url)
                logger.info(
                    "ready",
                    metadata: [
                        "url": "\(url)", "default": "\(store.defaultName)",
                        "models": .stringConvertible(store.slots.count { $0.model != nil }),
                    ])
            }
            await reloadOnHangup()
            watcher.stop()
        }
        try await drain()
    }

    /// Loads every model.
    ///
    /// - Returns: how many models are served; nil if a shutdown came first, which does not wait for a slow load or for
    ///   a disk that does not respond.
    private func loadModels() async -> Int? {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Int?.self)
        Task { outcome.yield(await store.loadAll(shouldStop: { phase.isDraining })) }
        let shutdown = Task {
            try? await gracefulShutdown()
            outcome.yield(nil)
        }
        defer { shutdown.cancel() }
        for await first in outcomes { return first }
        return nil
    }

    /// Logs the bound of the process's memory, which holds whatever clients do.
    private func logMemoryBound() {
        let bound = MemoryBound(
            settings, threadCount: threadCount, models: store.slots.compactMap(MemoryBound.ModelShare.init))
        var metadata: Logger.Metadata = ["total_mib": .stringConvertible(MemoryBound.mebibytes(bound.byteCount))]
        for part in bound.parts {
            metadata[part.name + "_mib"] = .stringConvertible(MemoryBound.mebibytes(part.byteCount))
        }
        logger.info("memory stays below", metadata: metadata)
    }

    /// Reloads every model on SIGHUP, until the shutdown.
    private func reloadOnHangup() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            logger.info("SIGHUP: reloading every model")
            for slot in store.slots { slot.requestReload() }
        }
    }

    /// The part of `server.drain_timeout` that is kept for cutting the connections that are left, and for the log's
    /// last lines.
    private var closingTime: Duration { min(settings.server.drainTimeout / 10, .seconds(1)) }

    private func drain() async throws {
        let clock = ContinuousClock()
        let limit = settings.server.drainTimeout - closingTime
        let end = clock.now + limit
        logger.info("draining", metadata: ["delay_ms": .stringConvertible(settings.server.drainDelay.milliseconds)])
        try? await Task.sleep(for: min(settings.server.drainDelay, limit))
        phase.finish(at: clock.now)
        guard await server.drain(timeout: max(end - clock.now, .zero)) else { throw ServingError.drainTimedOut }
        logger.info("stopped")
    }
}

/// Why the server cannot start, or did not stop cleanly.
public enum ServingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// None of these models could be loaded.
    case noModelLoaded(names: [String])
    /// Not every request was answered within `server.drain_timeout`.
    case drainTimedOut

    public var description: String {
        switch self {
        case .noModelLoaded(let names):
            names.count == 1
                ? "Model \(names[0]) could not be loaded; the log says why."
                : "None of the models \(names.joined(separator: ", ")) could be loaded; the log says why."
        case .drainTimedOut:
            "Not every request was answered within server.drain_timeout; the connections that were left have been cut."
        }
    }
}

extension ServerOptions {
    /// The settings of connections, and of images in a form.
    ///
    /// - Parameter threadCount: the threads that decode and compute. One event loop serves at least four of them, even
    ///   with the smallest network.
    init(_ settings: Settings, threadCount: Int) {
        self.init()
        eventLoopCount = max(1, threadCount / 4)
        poller = settings.server.poller
        host = settings.server.host
        port = settings.server.port
        maxConnections = settings.server.maxConnections
        maxConnectionsPerAddress = settings.server.maxConnectionsPerAddress
        trustedProxies = settings.server.trustedProxies
        crossOriginPolicy = settings.server.crossOriginPolicy
        headerTimeout = settings.server.headerTimeout
        bodyTimeout = settings.server.bodyTimeout
        writeTimeout = settings.server.writeTimeout
        minBytesPerSecond = settings.server.minBodyRate
        idleTimeout = settings.server.idleTimeout
        maxHeaderBytes = settings.server.maxHeaderBytes
        maxHeaderFields = settings.server.maxHeaderFields
        maxTargetBytes = min(maxTargetBytes, settings.server.maxHeaderBytes)
        maxBodyBytes = settings.server.maxBodyBytes
        maxBufferedBytes = settings.server.maxBufferedBytes
        maxBufferedBytesPerAddress = settings.server.maxBufferedBytesPerAddress
        // A form may hold a few fields beside its images.
        maxParts = settings.images.maxPerRequest + 16
    }
}
