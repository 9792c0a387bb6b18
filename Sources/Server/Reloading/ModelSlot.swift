import Dispatch
import Files
import Inference
import Logging
import Synchronization

/// One served model: the version that answers now, and how another takes its place.
public final class ModelSlot: Sendable {
    /// What all models share.
    struct Context: Sendable {
        let loader: ModelLoader
        let budget: MemoryBudget
        let descriptors = DescriptorReserve()
        let batching: Settings.Batching
        let metrics: ServingMetrics
        let logger: Logger
        /// Loads happen one after the other, so that no more than one version lies beside those that serve.
        let loading = DispatchQueue(label: "model.loading")
    }

    /// Why no version answers.
    enum Absence: Equatable, Sendable {
        /// The first load is not done.
        case notLoaded
        /// The last load was refused.
        case refused(LoadRefusal)
        /// The files could not be looked at or were changing; they are looked at again.
        case postponed(LoadRefusal)
        /// The last load did not fit beside what other models hold.
        case noMemory(MemoryBudgetError)
        /// Somebody asked for it.
        case unloaded
        /// Its folder is gone.
        case removed

        /// For clients: no path, and no byte of any file.
        var reason: String {
            switch self {
            case .notLoaded: "not loaded yet"
            case .refused(let refusal), .postponed(let refusal): refusal.reason
            case .noMemory(let error): error.description
            case .unloaded: "unloaded"
            case .removed: "its folder is gone"
            }
        }

        /// For the log: everything.
        var detail: String {
            switch self {
            case .refused(let refusal), .postponed(let refusal): refusal.detail
            default: reason
            }
        }
    }

    private struct Serving {
        let model: Model
        /// What it holds. Units: bytes.
        let byteCount: Int
    }

    private struct State {
        var serving: Serving?
        var absence = Absence.notLoaded
        var decision = ReloadDecision()
        /// Set from the first load on: those that follow count as reloads.
        var hasTried = false
        /// Set while a look is on its way: two that agree are to be apart in time.
        var isLookPending = false
        /// Why the last look failed; nil where it did not.
        var trouble: String?
        /// Keeps the metrics' series as long as the folder is there.
        var lease: ModelSeriesLease?
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
        let lease = context.metrics.lease(of: files.name, by: .slot)
        state.withLock { $0.lease = lease }
    }

    /// The version that answers now; requests keep the one they began with.
    public var model: Model? { state.withLock { $0.serving?.model } }

    /// What the version that answers now holds; nil while there is none. Units: bytes.
    var memoryByteCount: Int? { state.withLock { $0.serving?.byteCount } }

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
            let current = isUnloaded ? nil : fingerprint()
            state.withLock { $0.isLookPending = false }
            guard let current else { return }
            let action = state.withLock { state in
                if case .noMemory(let error) = state.absence, context.budget.fits(error.needed) {
                    return ReloadDecision.Action.load
                }
                return state.decision.look(at: current)
            }
            if action == .load { _ = load() }
        }
    }

    private var isUnloaded: Bool { state.withLock { $0.serving == nil && $0.absence == .unloaded } }

    /// The files as they are now; nil where they could not be looked at, which the log tells once.
    private func fingerprint() -> ModelFingerprint? {
        do throws(FileSystemError) {
            let current = try context.descriptors.look { () throws(FileSystemError) in try files.fingerprint }
            if state.withLock({ state in
                defer { state.trouble = nil }
                return state.trouble != nil
            }) {
                logger.info("the model's files can be looked at again")
            }
            return current
        } catch {
            let isNew = state.withLock { state in
                defer { state.trouble = error.reason }
                return state.trouble != error.reason
            }
            if isNew {
                logger.warning(
                    "the model's files cannot be looked at; whether they changed is not known, and what is served stays",
                    metadata: ["error": "\(error)"])
            }
            return nil
        }
    }

    /// Waits until what was asked for before is done.
    func settle() async { await withCheckedContinuation { done in enqueue { done.resume() } } }

    /// Does something behind all that was asked for before, and before all that is asked for later.
    func enqueue(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

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

    /// Lets the model go for good: its folder is gone. Its series in the metrics end with the last request that uses it.
    func retire() {
        queue.async { [self] in
            end(.removed)
            let lease = state.withLock { state in
                defer { state.lease = nil }
                return state.lease
            }
            withExtendedLifetime(lease) { logger.info("model removed: its folder is gone") }
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

    /// What a load came to.
    private enum Attempt {
        case loaded(Serving)
        case refused(Absence)
        /// Nothing is known yet.
        case postponed(LoadRefusal)
    }

    private func load() -> ReloadResult {
        if state.withLock({ $0.serving == nil && $0.absence == .removed }) {
            return .failure(reason: Absence.removed.reason)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let attempt = context.loading.sync { context.descriptors.lend { self.attempt() } }
        let isFirst = state.withLock { state in
            defer { state.hasTried = true }
            return !state.hasTried
        }
        let outcome: ReloadResult
        switch attempt {
        case .loaded(let next): outcome = replace(by: next, after: clock.now - start)
        case .refused(let absence): outcome = refuse(absence)
        case .postponed(let refusal): outcome = postpone(refusal)
        }
        if !isFirst { context.metrics.reload(model: name, outcome: outcome.outcome) }
        return outcome
    }

    /// Reads the files, and notes for the looks that follow what was read.
    private func attempt() -> Attempt {
        guard let before = fingerprint() else {
            state.withLock { $0.decision.didNotLook() }
            return .postponed(.notSeen)
        }
        let result = Result { () throws(LoadFailure) in try read() }
        let after = fingerprint()
        // Files that changed meanwhile may have been read half old, half new.
        guard let after, before == after else {
            state.withLock { state in
                if let after {
                    state.decision.didLoad(before: before, after: after)
                } else {
                    state.decision.didNotLook()
                }
            }
            return .postponed(after == nil ? .notSeen : .changing)
        }
        if case .failure(.refused(let refusal)) = result, refusal.isPassing {
            let isLasting = state.withLock { $0.decision.didPostpone(before) }
            return isLasting ? .refused(.refused(refusal)) : .postponed(refusal)
        }
        state.withLock { $0.decision.didLoad(before: before, after: after) }
        switch result {
        case .success(let next): return .loaded(next)
        case .failure(.refused(let refusal)): return .refused(.refused(refusal))
        case .failure(.noMemory(let error)): return .refused(.noMemory(error))
        }
    }

    private enum LoadFailure: Error {
        case refused(LoadRefusal)
        case noMemory(MemoryBudgetError)
    }

    private func read() throws(LoadFailure) -> Serving {
        do {
            let located = try files.located()
            // The file is read whole; what its model takes is known once it is made.
            try context.budget.check(located.checkpointByteCount)
            let model = try context.loader.load(located)
            // Weights in float32 lie in the file's bytes, whatever else is in it.
            let fileByteCount = model.precision == .float32 ? located.checkpointByteCount : 0
            let byteCount = max(
                model.memoryByteCount(maxBatchSize: context.batching.applying(model.batching).maxBatchSize),
                fileByteCount)
            // Requests that are under way keep the model, and with it what it counts for, when another one takes its place.
            model.keep(try context.budget.share(byteCount))
            model.keep(context.metrics.lease(of: name, by: .version))
            return Serving(model: model, byteCount: byteCount)
        } catch let error as MemoryBudgetError {
            throw .noMemory(error)
        } catch let error as ModelError {
            throw .refused(LoadRefusal(error))
        } catch {
            throw .refused(LoadRefusal(reason: "it cannot be used", detail: "\(error)", isPassing: false))
        }
    }

    private func refuse(_ absence: Absence) -> ReloadResult {
        logger.error("model refused: \(absence.detail)", metadata: ["running": "\(runningNote)"])
        state.withLock { $0.absence = absence }
        return .failure(reason: absence.reason)
    }

    /// What runs stays as it is: nothing is known against it.
    private func postpone(_ refusal: LoadRefusal) -> ReloadResult {
        logger.warning(
            "model not loaded for now, its files are looked at again: \(refusal.detail)",
            metadata: ["running": "\(runningNote)"])
        state.withLock { if $0.serving == nil { $0.absence = .postponed(refusal) } }
        return .postponed(reason: refusal.reason)
    }

    private var runningNote: String {
        model.map { "version \($0.version) keeps serving" } ?? "no version is served"
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
        if old?.model === model { return .unchanged(version: model.version) }
        context.metrics.modelLoaded(
            model: name, architecture: model.architecture, version: model.version,
            at: model.loadedAt.timeIntervalSince1970, byteCount: next.byteCount)
        logger.info(
            "model loaded",
            metadata: [
                "version": "\(model.version)", "architecture": "\(model.architecture)",
                "precision": "\(model.precision.rawValue)",
                "classes": .stringConvertible(model.classes.count),
                "parameters": .stringConvertible(model.network.parameterCount),
                "memory_mib": .stringConvertible(next.byteCount >> 20),
                "ms": .stringConvertible(duration.milliseconds),
            ])
        for note in model.notes { logger.notice("note on the model's files", metadata: ["note": "\(note)"]) }
        for assumption in model.assumptions { logger.warning("\(assumption)") }
        return .success(version: model.version)
    }
}
