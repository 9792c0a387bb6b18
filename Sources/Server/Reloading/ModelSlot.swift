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
        let batching: Settings.Batching
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
        /// The last load did not fit beside what other models hold.
        case noMemory(MemoryBudgetError)
        /// Somebody asked for it.
        case unloaded
        /// Its folder is gone.
        case removed

        var description: String {
            switch self {
            case .notLoaded: "not loaded yet"
            case .refused(let reason): reason
            case .noMemory(let error): error.description
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
        /// Set while a look is on its way: two that agree are to be apart in time.
        var isLookPending = false
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
            switch state.absence {
            case .refused, .noMemory: state.absence
            default: state.serving == nil ? state.absence : nil
            }
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

    /// Looks at the files, and loads them if they have changed and come to rest, or if what was refused for want of memory
    /// fits by now.
    func look() {
        guard
            state.withLock({ state in
                defer { state.isLookPending = true }
                return !state.isLookPending
            })
        else { return }
        queue.async { [self] in
            let current = files.fingerprint
            let action = state.withLock { state in
                state.isLookPending = false
                if state.serving == nil, state.absence == .unloaded { return ReloadDecision.Action.rest }
                if case .noMemory(let error) = state.absence, context.budget.fits(error.needed) { return .load }
                return state.decision.look(at: current)
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
    ///
    /// - Parameter isBack: whether another slot has its name by then, and with it its metrics.
    func retire(isBack: @escaping @Sendable () -> Bool) {
        queue.async { [self] in
            end(.removed)
            if !isBack() { context.metrics.modelRemoved(model: name) }
            logger.info("model removed: its folder is gone")
        }
    }

    private func end(_ absence: Absence) {
        // What it held is given back behind the lock, for which requests wait.
        let old = state.withLock { state in
            defer { state.serving = nil }
            state.absence = absence
            return state.serving
        }
        withExtendedLifetime(old) { context.metrics.modelUnloaded(model: name) }
    }

    private func load() -> ReloadResult {
        if state.withLock({ $0.serving == nil && $0.absence == .removed }) {
            return .failure(reason: "its folder is gone")
        }
        let clock = ContinuousClock()
        let start = clock.now
        let before = files.fingerprint
        var result = context.loading.sync { Result { () throws(LoadFailure) in try read() } }
        let after = files.fingerprint
        let isFirst = state.withLock { state in
            state.decision.didLoad(before: before, after: after)
            defer { state.hasTried = true }
            return !state.hasTried
        }
        // Files that changed meanwhile may have been read half old, half new: another look follows.
        if before != after, case .success = result {
            if let running = model { return .unchanged(version: running.version) }
            result = .failure(
                LoadFailure(absence: .refused("its files changed while they were read; they are read again at rest")))
        }
        let outcome: ReloadResult
        switch result {
        case .success(let loaded): outcome = replace(by: loaded, after: clock.now - start)
        case .failure(let error):
            let absence = error.absence
            outcome = .failure(reason: absence.description)
            let running = model.map { "version \($0.version) keeps serving" } ?? "no version is served"
            logger.error("model refused: \(absence.description)", metadata: ["running": "\(running)"])
            state.withLock { $0.absence = absence }
        }
        if !isFirst { context.metrics.reload(model: name, outcome: outcome.outcome) }
        return outcome
    }

    private struct LoadFailure: Error { let absence: Absence }

    private func read() throws(LoadFailure) -> Serving {
        do {
            // The file is read whole; what its model takes is known once it is made.
            try context.budget.check(files.checkpointByteCount ?? 0)
            let model = try context.loader.load(files)
            // Weights in float32 lie in the file's bytes, whatever else is in it.
            let fileByteCount = model.precision == .float32 ? files.checkpointByteCount ?? 0 : 0
            let byteCount = max(
                model.memoryByteCount(maxBatchSize: context.batching.applying(model.batching).maxBatchSize),
                fileByteCount)
            return Serving(model: model, share: try context.budget.share(byteCount))
        } catch let error as MemoryBudgetError {
            throw LoadFailure(absence: .noMemory(error))
        } catch {
            throw LoadFailure(absence: .refused("\(error)"))
        }
    }

    /// Between two batches: those that run hold the model they began with.
    private func replace(by next: Serving, after duration: Duration) -> ReloadResult {
        let model = next.model
        // The version before is given back behind the lock, for which requests wait.
        let old: Serving? = state.withLock { state in
            state.absence = .notLoaded
            guard state.serving?.model.version != model.version else { return next }
            defer { state.serving = next }
            return state.serving
        }
        if let old, old.model === model { return .unchanged(version: model.version) }
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
        for note in model.notes { logger.notice("note on the model's files", metadata: ["note": "\(note)"]) }
        return .success(version: model.version)
    }
}
