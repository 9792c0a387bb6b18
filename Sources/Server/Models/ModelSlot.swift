import Dispatch
import Files
import Inference
import Logging
import Synchronization
import Threads

/// One served model: the version that is served now, and how another one replaces it.
public final class ModelSlot: Sendable {
    /// What all slots share.
    struct Context: Sendable {
        let reader: any ModelReader
        let budget: MemoryBudget
        let descriptors = DescriptorReserve()
        let batching: Settings.Batching
        let metrics: ServingMetrics
        let logger: Logger
        /// Loads run one after the other, so that memory holds at most one version beside those that are served.
        let loading: any SerialQueue
        let makeQueue: MakeQueue
    }

    private struct Serving {
        let model: Model
        /// The memory that it holds. Units: bytes.
        let byteCount: Int
    }

    private struct State {
        var serving: Serving?
        var absence = Absence.notLoaded
        var policy = ReloadPolicy()
        /// Whether a load was tried: the next ones count as reloads.
        var hasTried = false
        /// Whether a check of the files is queued. Checks must not pile up behind a slow load: two in immediate
        /// succession always find the same fingerprint, which would defeat the debounce.
        var isLookPending = false
        /// Why the last check failed; nil if it did not.
        var trouble: String?
        /// Keeps the model's metric series as long as its folder is there.
        var lease: ModelSeriesLease?
    }

    /// The name it is served under.
    public let name: String
    private let files: ModelFiles
    private let context: Context
    private let logger: Logger
    private let state = Mutex(State())
    /// Serialises what happens to this model, away from the threads that serve requests.
    private let queue: any SerialQueue

    init(files: ModelFiles, context: Context) {
        name = files.name
        self.files = files
        self.context = context
        var logger = context.logger
        logger[metadataKey: "model"] = "\(files.name)"
        self.logger = logger
        queue = context.makeQueue("model.\(files.name)")
        let lease = context.metrics.lease(of: files.name, by: .slot)
        state.withLock { $0.lease = lease }
    }

    /// The version that is served now; nil while there is none. Requests keep the version that they began with.
    public var model: Model? { state.withLock { $0.serving?.model } }

    /// The memory of the version that is served now; nil while there is none. Units: bytes.
    var memoryByteCount: Int? { state.withLock { $0.serving?.byteCount } }

    /// Why no version is served, or why the last load was refused while the previous version stays; nil if neither is
    /// so.
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
            queue.submit { [self] in continuation.resume(returning: load()) }
        }
    }

    /// Loads soon; the log and the metrics report the outcome. An unloaded model stays unloaded.
    func requestReload() { queue.submit { [self] in if absence != .unloaded { _ = load() } } }

    /// Checks the files. Loads them if they changed and then stopped changing, or if a model that had too little memory
    /// fits by now.
    func look() {
        guard
            state.withLock({ state in
                defer { state.isLookPending = true }
                return !state.isLookPending
            })
        else { return }
        queue.submit { [self] in
            let current = isUnloaded ? nil : fingerprint()
            state.withLock { $0.isLookPending = false }
            guard let current else { return }
            let action = state.withLock { state in
                if case .noMemory(let error) = state.absence, context.budget.fits(error.needed) {
                    return ReloadPolicy.Action.load
                }
                return state.policy.look(at: current)
            }
            if action == .load { _ = load() }
        }
    }

    private var isUnloaded: Bool { state.withLock { $0.serving == nil && $0.absence == .unloaded } }

    /// The files' fingerprint; nil if they could not be checked, which is logged once.
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
                    "the model's files cannot be accessed; whether they changed is not known, and what is served stays",
                    metadata: ["error": "\(error)"])
            }
            return nil
        }
    }

    /// Waits until everything that was queued before is done.
    func settle() async { await withCheckedContinuation { done in enqueue { done.resume() } } }

    /// Queues work, in order with loads and checks.
    func enqueue(_ work: @escaping @Sendable () -> Void) { queue.submit(work) }

    /// Serves no version until ``reload()``; requests in flight are still answered.
    func unload() async {
        await withCheckedContinuation { continuation in
            queue.submit { [self] in
                end(.unloaded)
                logger.info("model unloaded")
                continuation.resume()
            }
        }
    }

    /// Removes the model for good: its folder is gone. Its metric series end with the last request that uses it.
    func retire() {
        queue.submit { [self] in
            end(.removed)
            let lease = state.withLock { state in
                defer { state.lease = nil }
                return state.lease
            }
            withExtendedLifetime(lease) { logger.info("model removed: its folder is gone") }
        }
    }

    private func end(_ absence: Absence) {
        // The old version is released outside the lock, since requests wait for that.
        let old = state.withLock { state in
            defer { state.serving = nil }
            state.absence = absence
            return state.serving
        }
        withExtendedLifetime(old) { context.metrics.modelUnloaded(model: name) }
    }

    private enum Attempt {
        case loaded(Serving)
        case refused(Absence)
        /// The files themselves may be fine: they are tried again.
        case postponed(LoadRefusal)
    }

    private func load() -> ReloadResult {
        if state.withLock({ $0.serving == nil && $0.absence == .removed }) {
            return .failure(reason: Absence.removed.reason)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let attempt = context.loading.run { context.descriptors.lend { self.attempt() } }
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

    /// Reads the files, and reports to the reload policy what was read.
    private func attempt() -> Attempt {
        guard let before = fingerprint() else {
            state.withLock { $0.policy.didNotLook() }
            return .postponed(.notSeen)
        }
        let result = Result { () throws(LoadFailure) in try read() }
        let after = fingerprint()
        // Files that changed meanwhile may have been read half old and half new.
        guard let after, before == after else {
            state.withLock { state in
                if let after {
                    state.policy.didLoad(before: before, after: after)
                } else {
                    state.policy.didNotLook()
                }
            }
            return .postponed(after == nil ? .notSeen : .changing)
        }
        if case .failure(.refused(let refusal)) = result, refusal.isTransient {
            let isLasting = state.withLock { $0.policy.didPostpone(before) }
            return isLasting ? .refused(.refused(refusal)) : .postponed(refusal)
        }
        state.withLock { $0.policy.didLoad(before: before, after: after) }
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
            var checkpointByteCount = 0
            // The file is read whole. How much the model takes is known only once it is loaded.
            let model = try context.reader.read(files) { byteCount in
                checkpointByteCount = byteCount
                try context.budget.check(byteCount)
            }
            // Float32 weights stay in the file's bytes, together with whatever else the file holds.
            let fileByteCount = model.precision == .float32 ? checkpointByteCount : 0
            let byteCount = max(
                model.memoryByteCount(maxBatchSize: context.batching.applying(model.batching).maxBatchSize),
                fileByteCount)
            // A replaced version keeps its memory reserved, and its series, as long as requests in flight use it.
            model.keep(try context.budget.reserve(byteCount))
            model.keep(context.metrics.lease(of: name, by: .version))
            return Serving(model: model, byteCount: byteCount)
        } catch let error as MemoryBudgetError {
            throw .noMemory(error)
        } catch let error as ModelError {
            throw .refused(LoadRefusal(error))
        } catch {
            throw .refused(LoadRefusal(reason: "it cannot be used", detail: "\(error)", isTransient: false))
        }
    }

    private func refuse(_ absence: Absence) -> ReloadResult {
        logger.error("model refused: \(absence.detail)", metadata: ["running": "\(runningNote)"])
        state.withLock { $0.absence = absence }
        return .failure(reason: absence.reason)
    }

    /// Keeps the running version, and records no refusal.
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

    /// Swaps the version between two batches: those that run keep the model that they began with.
    private func replace(by next: Serving, after duration: Duration) -> ReloadResult {
        let model = next.model
        // The old version is released outside the lock, since requests wait for that.
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
                "precision": "\(model.precisionName)",
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
