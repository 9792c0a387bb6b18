import Dispatch
import Inference
import Logging
import Synchronization

/// One served model: the version that answers now, and how another takes its place.
public final class ModelSlot: Sendable {
    private struct State {
        var model: Model?
        var decision: ReloadDecision
        /// Set from the first load on: those that follow count as reloads.
        var hasTried = false
        /// Why the last load was refused; nil where it was not.
        var refusal: String?
    }

    /// The name it is served under.
    public let name: String
    private let files: ModelFiles
    private let loader: ModelLoader
    private let metrics: ServingMetrics
    private let logger: Logger
    private let state: Mutex<State>
    /// Loads happen one after the other, away from every thread that serves.
    private let queue: DispatchQueue

    init(files: ModelFiles, loader: ModelLoader, metrics: ServingMetrics, logger: Logger) {
        name = files.name
        self.files = files
        self.loader = loader
        self.metrics = metrics
        var logger = logger
        logger[metadataKey: "model"] = "\(files.name)"
        self.logger = logger
        state = Mutex(State(model: nil, decision: ReloadDecision(loaded: files.fingerprint)))
        queue = DispatchQueue(label: "model.\(files.name)")
    }

    /// The version that answers now; requests keep the one they began with.
    public var model: Model? { state.withLock(\.model) }

    /// Why the last load was refused; nil where it was not.
    var refusal: String? { state.withLock(\.refusal) }

    /// Loads now, whether or not the files have changed.
    public func reload() async -> ReloadResult {
        await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: load()) }
        }
    }

    /// Loads soon; the log and the metrics tell the outcome.
    func requestReload() { queue.async { [self] in _ = load() } }

    /// Looks at the files, and loads them if they have changed and come to rest.
    func look() {
        queue.async { [self] in
            let current = files.fingerprint
            if state.withLock({ $0.decision.look(at: current) }) == .load { _ = load() }
        }
    }

    private func load() -> ReloadResult {
        let clock = ContinuousClock()
        let start = clock.now
        let before = files.fingerprint
        let result = Result { () throws(ModelError) in try loader.load(files) }
        let after = files.fingerprint
        state.withLock { $0.decision.didLoad(before: before, after: after) }
        let isFirst = state.withLock { state in
            defer { state.hasTried = true }
            return !state.hasTried
        }
        let outcome: ReloadResult
        switch result {
        case .success(let loaded):
            // Files that changed meanwhile may have been read half old, half new: another look follows.
            if before != after, let running = model { return .unchanged(version: running.version) }
            outcome = replace(by: loaded, after: clock.now - start)
        case .failure(let error):
            outcome = .failure(reason: error.description)
            let running = model.map { "version \($0.version) keeps serving" } ?? "no version is served"
            logger.error("model refused: \(error.description)", metadata: ["running": "\(running)"])
        }
        state.withLock { state in
            if case .failure(let reason) = outcome { state.refusal = reason } else { state.refusal = nil }
        }
        if !isFirst { metrics.reload(model: name, outcome: outcome.outcome) }
        return outcome
    }

    /// Between two batches: those that run hold the model they began with.
    private func replace(by model: Model, after duration: Duration) -> ReloadResult {
        let isSame = state.withLock { state in
            if state.model?.version == model.version { return true }
            state.model = model
            return false
        }
        guard !isSame else { return .unchanged(version: model.version) }
        metrics.modelLoaded(
            model: name, architecture: model.architecture, version: model.version,
            at: model.loadedAt.timeIntervalSince1970)
        logger.info(
            "model loaded",
            metadata: [
                "version": "\(model.version)", "architecture": "\(model.architecture)",
                "precision": "\(model.precision.rawValue)",
                "classes": .stringConvertible(model.classes.count),
                "parameters": .stringConvertible(model.network.parameterCount),
                "ms": .stringConvertible(duration.milliseconds),
            ])
        return .success(version: model.version)
    }
}
