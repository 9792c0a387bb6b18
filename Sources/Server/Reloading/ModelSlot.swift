import Dispatch
import Inference
import Logging
import Synchronization

/// One served model: the version that answers now, and how another takes its place.
public final class ModelSlot: Sendable {
    /// What all models share.
    struct Context: Sendable {
        let loader: ModelLoader
        let budget: MemoryBudget
        let maxBatchSize: Int
        let metrics: ServingMetrics
        let logger: Logger
        /// Loads happen one after the other, so that no more than one version lies beside those that serve.
        let loading = DispatchQueue(label: "model.loading")
    }

    /// Why no version answers.
    enum Absence: Equatable, Sendable, CustomStringConvertible {
        /// The first load is not done.
        case notLoaded
        /// The last load was refused; the reason is a sentence.
        case refused(String)
        /// Somebody asked for it.
        case unloaded
        /// Its folder is gone.
        case removed

        var description: String {
            switch self {
            case .notLoaded: "not loaded yet"
            case .refused(let reason): reason
            case .unloaded: "unloaded"
            case .removed: "its folder is gone"
            }
        }
    }

    private struct Serving {
        let model: Model
        let share: MemoryBudget.Share
    }

    private struct State {
        var serving: Serving?
        var absence = Absence.notLoaded
        var decision = ReloadDecision()
        /// Set from the first load on: those that follow count as reloads.
        var hasTried = false
    }

    /// The name it is served under.
    public let name: String
    private let files: ModelFiles
    private let context: Context
    private let logger: Logger
    private let state = Mutex(State())
    /// What happens to this model happens one after the other, away from every thread that serves.
    private let queue: DispatchQueue

    init(files: ModelFiles, context: Context) {
        name = files.name
        self.files = files
        self.context = context
        var logger = context.logger
        logger[metadataKey: "model"] = "\(files.name)"
        self.logger = logger
        queue = DispatchQueue(label: "model.\(files.name)")
    }

    /// The version that answers now; requests keep the one they began with.
    public var model: Model? { state.withLock { $0.serving?.model } }

    /// What the version that answers now holds; nil while there is none. Units: bytes.
    var memoryByteCount: Int? { state.withLock { $0.serving?.share.byteCount } }

    /// Why no version answers, or why the last load was refused while the version before goes on; nil where all is well.
    var absence: Absence? {
        state.withLock { state in
            if case .refused = state.absence { return state.absence }
            return state.serving == nil ? state.absence : nil
        }
    }

    /// Whether its folder is still there.
    var hasFolder: Bool { files.hasFolder }

    /// Loads now, whether or not the files have changed.
    public func reload() async -> ReloadResult {
        await withCheckedContinuation { continuation in
            queue.async { [self] in continuation.resume(returning: load()) }
        }
    }

    /// Loads soon; the log and the metrics tell the outcome. What somebody unloaded stays so.
    func requestReload() { queue.async { [self] in if absence != .unloaded { _ = load() } } }

    /// Looks at the files, and loads them if they have changed and come to rest.
    func look() {
        queue.async { [self] in
            let current = files.fingerprint
            let action = state.withLock { state in
                state.serving == nil && state.absence == .unloaded ? .rest : state.decision.look(at: current)
            }
            if action == .load { _ = load() }
        }
    }

    /// Waits until what was asked for before is done.
    func settle() async { await withCheckedContinuation { done in queue.async { done.resume() } } }

    /// Serves no version until ``reload()``; requests that are under way are still answered.
    func unload() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                end(.unloaded)
                logger.info("model unloaded")
                continuation.resume()
            }
        }
    }

    /// Lets the model go for good: its folder is gone.
    func retire() {
        queue.async { [self] in
            end(.removed)
            context.metrics.modelRemoved(model: name)
            logger.info("model removed: its folder is gone")
        }
    }

    private func end(_ absence: Absence) {
        state.withLock { state in
            state.serving = nil
            state.absence = absence
        }
        context.metrics.modelUnloaded(model: name)
    }

    private func load() -> ReloadResult {
        if state.withLock({ $0.serving == nil && $0.absence == .removed }) {
            return .failure(reason: "its folder is gone")
        }
        let clock = ContinuousClock()
        let start = clock.now
        let before = files.fingerprint
        let result = context.loading.sync { Result { () throws(LoadFailure) in try read(before) } }
        let after = files.fingerprint
        let isFirst = state.withLock { state in
            state.decision.didLoad(before: before, after: after)
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
            outcome = .failure(reason: error.reason)
            let running = model.map { "version \($0.version) keeps serving" } ?? "no version is served"
            logger.error("model refused: \(error.reason)", metadata: ["running": "\(running)"])
            state.withLock { $0.absence = .refused(error.reason) }
        }
        if !isFirst { context.metrics.reload(model: name, outcome: outcome.outcome) }
        return outcome
    }

    private struct LoadFailure: Error { let reason: String }

    private func read(_ fingerprint: ModelFingerprint) throws(LoadFailure) -> Serving {
        do {
            // A model takes no less than its checkpoint; what it takes beyond that is known once it is made.
            try context.budget.check(files.checkpointByteCount ?? 0)
            let model = try context.loader.load(files)
            let byteCount = model.memoryByteCount(maxBatchSize: context.maxBatchSize)
            return Serving(model: model, share: try context.budget.share(byteCount))
        } catch {
            throw LoadFailure(reason: "\(error)")
        }
    }

    /// Between two batches: those that run hold the model they began with.
    private func replace(by next: Serving, after duration: Duration) -> ReloadResult {
        let model = next.model
        let isSame = state.withLock { state in
            state.absence = .notLoaded
            if state.serving?.model.version == model.version { return true }
            state.serving = next
            return false
        }
        guard !isSame else { return .unchanged(version: model.version) }
        context.metrics.modelLoaded(
            model: name, architecture: model.architecture, version: model.version,
            at: model.loadedAt.timeIntervalSince1970, byteCount: next.share.byteCount)
        logger.info(
            "model loaded",
            metadata: [
                "version": "\(model.version)", "architecture": "\(model.architecture)",
                "precision": "\(model.precision.rawValue)",
                "classes": .stringConvertible(model.classes.count),
                "parameters": .stringConvertible(model.network.parameterCount),
                "memory_mib": .stringConvertible(next.share.byteCount >> 20),
                "ms": .stringConvertible(duration.milliseconds),
            ])
        return .success(version: model.version)
    }
}
