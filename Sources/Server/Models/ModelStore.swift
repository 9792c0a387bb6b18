import Dispatch
import Files
import Foundation
import Inference
import Logging
import Synchronization
import Threads

/// The models that are served, by name: either given ones, or the folders of a directory, added ones included.
public final class ModelStore: Sendable {
    private struct State {
        var slots: [String: ModelSlot] = [:]
        /// The default where the settings name none: the first by name that loaded, until it is removed.
        var chosenDefault: String?
        /// Debounce: a model is removed if its folder is missing at two checks in a row. These were missing at the last
        /// one.
        var missing: Set<String> = []
        /// Why the last check of the directory failed; nil if it did not.
        var trouble: String?
        /// Folders that could not be checked, and why; each is logged once.
        var unseen: [String: String] = [:]
    }

    /// What a directory holds.
    public struct Listing: Sendable {
        /// The folders that hold a model.
        public var models: [ModelFiles] = []
        /// The folders that could not be checked and may hold a model: the system's error text by name.
        public var unseen: [String: String] = [:]
        /// The names of the folders that hold no model.
        public var others: [String] = []
    }

    /// Where the models come from.
    enum Source: Sendable {
        /// The folders of a directory, including those that are added later.
        case directory(String)
        /// Exactly these models, at least one.
        case files([ModelFiles])
    }

    /// The directory whose folders are served; nil if the models are given.
    private let directory: String?
    /// Whether symbolic links may lead out of it.
    private let followsOutsideLinks: Bool
    private let fileSystem: any FileSystem
    /// `models.default`.
    private let configuredDefault: String?
    let context: ModelSlot.Context
    private let logger: Logger
    private let state: Mutex<State>
    private let looking: any SerialQueue

    /// - Parameters:
    ///   - defaultName: the default; nil takes the first by name that loads.
    ///   - limits: what models may take.
    ///   - followsOutsideLinks: whether symbolic links may lead out of the directory.
    init(
        _ source: Source, defaultName: String?, reader: any ModelReader, limits: ModelLimits = ModelLimits(),
        followsOutsideLinks: Bool = false, fileSystem: any FileSystem = LocalFileSystem(), metrics: ServingMetrics,
        logger: Logger, makeQueue: @escaping MakeQueue = { DispatchQueue(label: $0) }
    ) throws(ModelStoreError) {
        let files: [ModelFiles]
        var unseen: [String: String] = [:]
        switch source {
        case .directory(let path):
            directory = path
            let listing = try Self.list(path, followsOutsideLinks: followsOutsideLinks, fileSystem: fileSystem)
            unseen = listing.unseen
            // The default that the settings name counts as a model, even if its folder cannot be checked.
            let named = defaultName.flatMap { unseen.removeValue(forKey: $0) == nil ? nil : $0 }.map {
                ModelFiles(
                    unseenFolder: path + "/" + $0, boundary: followsOutsideLinks ? nil : path, fileSystem: fileSystem)
            }
            files = listing.models + [named].compactMap(\.self)
        case .files(let given):
            directory = nil
            files = given
        }
        let context = ModelSlot.Context(
            reader: reader, budget: MemoryBudget(limit: limits.memoryLimit), batching: limits.batching,
            metrics: metrics, logger: logger, loading: makeQueue("model.loading"), makeQueue: makeQueue)
        let slots = Dictionary(files.map { ($0.name, ModelSlot(files: $0, context: context)) }) { first, _ in first }
        if slots.isEmpty, let directory, let (name, reason) = unseen.min(by: { $0.key < $1.key }) {
            throw ModelStoreError.inaccessible(FileSystemError(path: directory + "/" + name, reason: reason))
        }
        guard !slots.isEmpty else {
            throw directory.map(ModelStoreError.emptyDirectory(path:)) ?? ModelStoreError.noModels
        }
        if let defaultName, slots[defaultName] == nil {
            throw ModelStoreError.unknownDefault(name: defaultName, known: slots.keys.sorted())
        }
        self.context = context
        looking = makeQueue("models.looking")
        self.logger = logger
        self.followsOutsideLinks = followsOutsideLinks
        self.fileSystem = fileSystem
        configuredDefault = defaultName
        state = Mutex(State(slots: slots))
        log(unseen: unseen)
    }

    /// The folders in the models directory, also those without a model, with their names; none if the models are given.
    ///
    /// A link that leads out of the directory is left out, unless it may be followed.
    var folders: [(name: String, path: String)] {
        guard let directory, let root = Self.resolved(directory), let names = try? fileSystem.names(in: directory)
        else {
            return []
        }
        return names.sorted().filter { !$0.hasPrefix(".") }.compactMap { name in
            guard let path = Self.resolved(directory + "/" + name), followsOutsideLinks || path.hasPrefix(root + "/")
            else { return nil }
            return (name, path)
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// What a directory holds: folders with a `model.json` or a checkpoint are models.
    ///
    /// - Throws: ``ModelStoreError/noDirectory(path:)``; ``ModelStoreError/inaccessible(_:)`` if the file system failed.
    public static func list(
        _ directory: String, followsOutsideLinks: Bool = false, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(ModelStoreError) -> Listing {
        let names: [String]?
        do throws(FileSystemError) {
            names = try fileSystem.names(in: directory)
        } catch {
            throw .inaccessible(error)
        }
        guard let names else { throw .noDirectory(path: directory) }
        return list(names, in: directory, boundary: followsOutsideLinks ? nil : directory, fileSystem)
    }

    private static func list(
        _ names: [String], in directory: String, boundary: String?, _ fileSystem: any FileSystem
    ) -> Listing {
        var listing = Listing()
        for name in names.sorted() where !name.hasPrefix(".") {
            let path = directory + "/" + name
            do {
                let files = try ModelFiles(folder: path, boundary: boundary, fileSystem: fileSystem)
                if try files.holdsModel { listing.models.append(files) } else { listing.others.append(name) }
            } catch let error as FileSystemError {
                listing.unseen[name] = error.reason
            } catch ModelError.inaccessible(let error) {
                listing.unseen[name] = error.reason
            } catch {
                // A file, not a folder.
            }
        }
        return listing
    }

    /// The model folders of a directory, without those that could not be checked.
    ///
    /// - Throws: ``ModelStoreError``, even if there is no model folder.
    public static func folders(
        in directory: String, followsOutsideLinks: Bool = false, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(ModelStoreError) -> [ModelFiles] {
        let listing = try list(directory, followsOutsideLinks: followsOutsideLinks, fileSystem: fileSystem)
        if listing.models.isEmpty, let (name, reason) = listing.unseen.min(by: { $0.key < $1.key }) {
            throw ModelStoreError.inaccessible(FileSystemError(path: directory + "/" + name, reason: reason))
        }
        guard !listing.models.isEmpty else { throw ModelStoreError.emptyDirectory(path: directory) }
        return listing.models
    }

    /// Every model, by ascending name.
    public var slots: [ModelSlot] { state.withLock(\.slots).values.sorted { $0.name < $1.name } }

    /// The model of that name, if there is one.
    public subscript(name: String) -> ModelSlot? { state.withLock { $0.slots[name] } }

    /// The model of `POST /predict`: the one that the settings name, or else the first by name that loaded, until it is
    /// removed. Nil while there is none.
    public var defaultSlot: ModelSlot? {
        let (slot, previous): (ModelSlot?, String?) = state.withLock { state in
            if let configuredDefault { return (state.slots[configuredDefault], nil) }
            if let slot = state.chosenDefault.flatMap({ state.slots[$0] }) { return (slot, nil) }
            let slots = state.slots.values.sorted { $0.name < $1.name }
            let chosen = slots.first { $0.model != nil }
            defer { if let chosen { state.chosenDefault = chosen.name } }
            return (chosen ?? slots.first, chosen == nil ? nil : state.chosenDefault)
        }
        if let slot, let previous {
            logger.warning(
                "another model is the default from now on; models.default pins one",
                metadata: ["default": "\(slot.name)", "before": "\(previous)"])
        }
        return slot
    }

    /// Logs which model is the default, and how to pin it, where it was chosen among several.
    func logDefault() {
        let names = slots.map(\.name)
        guard configuredDefault == nil, names.count > 1, let name = defaultSlot?.name else { return }
        logger.warning(
            """
            the default model was chosen among several, as the first by name that loaded: another folder may be the first at the \
            next start; models.default pins one
            """,
            metadata: ["default": "\(name)", "models": "\(names.joined(separator: ", "))"])
    }

    /// The default's name, whether or not that model is there.
    var defaultName: String { configuredDefault ?? defaultSlot?.name ?? "" }

    /// Loads every model: the default of the settings first, the others by name.
    ///
    /// - Parameter shouldStop: asked before each load; true ends the loading.
    /// - Returns: how many models are served.
    public func loadAll(shouldStop: () -> Bool = { false }) async -> Int {
        let slots = slots
        for slot in slots.filter({ $0.name == configuredDefault }) + slots.filter({ $0.name != configuredDefault }) {
            if shouldStop() { break }
            _ = await slot.reload()
        }
        return slots.count { $0.model != nil }
    }

    /// Checks for folders that were added or removed, and checks the files of each model.
    public func look() {
        lookForFolders()
        for slot in slots { slot.look() }
    }

    /// Checks for a new folder of that name, away from the threads that serve requests: a network file system may be
    /// slow.
    ///
    /// - Throws: ``FileSystemError`` if the file system failed, so that the answer is not known.
    func look(for name: String) async throws(FileSystemError) {
        let result = await withCheckedContinuation { done in
            looking.submit { [self] in
                done.resume(returning: Result { () throws(FileSystemError) in try lookNow(for: name) })
            }
        }
        try result.get()
    }

    private func lookNow(for name: String) throws(FileSystemError) {
        guard let directory, !name.contains("/"), !name.hasPrefix("."), self[name] == nil else { return }
        let listing = context.descriptors.lend {
            Self.list([name], in: directory, boundary: followsOutsideLinks ? nil : directory, fileSystem)
        }
        if let reason = listing.unseen[name] { throw FileSystemError(path: directory + "/" + name, reason: reason) }
        add(listing.models)
    }

    private func lookForFolders() {
        guard let directory, let listing = listing(of: directory) else { return }
        log(unseen: listing.unseen)
        // A volume that is unmounted for a moment leaves an empty directory, or none. No model is removed for that.
        if listing.models.isEmpty { return }
        add(listing.models)
        let missing = Set(slots.filter { !$0.hasFolder }.map(\.name))
        let gone = state.withLock { state in
            let gone = missing.intersection(state.missing).compactMap { state.slots.removeValue(forKey: $0) }
            state.missing = missing
            return gone
        }
        for slot in gone { slot.retire() }
    }

    /// What the directory holds; nil if it is missing or could not be checked, which is logged once.
    private func listing(of directory: String) -> Listing? {
        let result = Result { () throws(ModelStoreError) in
            let listing = try Self.list(directory, followsOutsideLinks: followsOutsideLinks, fileSystem: fileSystem)
            let isShort = listing.unseen.values.contains { FileSystemError(path: "", reason: $0).isShortOfDescriptors }
            return isShort ? try relist(directory) : listing
        }
        .flatMapError { error in
            guard case .inaccessible(let cause) = error, cause.isShortOfDescriptors else { return .failure(error) }
            return Result { () throws(ModelStoreError) in try relist(directory) }
        }
        let trouble: String? = if case .failure(let error) = result { error.description } else { nil }
        let previous = state.withLock { state in
            defer { state.trouble = trouble }
            return state.trouble
        }
        if let trouble, trouble != previous {
            logger.warning(
                "the models directory cannot be accessed; the models that are served stay",
                metadata: ["error": "\(trouble)"])
        }
        if trouble == nil, previous != nil { logger.info("the models directory can be looked at again") }
        return try? result.get()
    }

    private func relist(_ directory: String) throws(ModelStoreError) -> Listing {
        try context.descriptors.lend { () throws(ModelStoreError) in
            try Self.list(directory, followsOutsideLinks: followsOutsideLinks, fileSystem: fileSystem)
        }
    }

    /// Logs which folders could not be checked, each once as long as the reason stays the same.
    private func log(unseen: [String: String]) {
        let news = state.withLock { state in
            let news = unseen.filter { state.slots[$0.key] == nil && state.unseen[$0.key] != $0.value }
            state.unseen = unseen
            return news
        }
        for (name, reason) in news.sorted(by: { $0.key < $1.key }) {
            logger.warning(
                "a folder cannot be accessed; if it holds a model, that is not served",
                metadata: ["folder": "\(name)", "error": "\(reason)"])
        }
    }

    private func add(_ files: [ModelFiles]) {
        let new: [ModelSlot] = state.withLock { state in
            let new = files.filter { state.slots[$0.name] == nil }.map { ModelSlot(files: $0, context: context) }
            for slot in new { state.slots[slot.name] = slot }
            return new
        }
        for slot in new { logger.info("model folder found", metadata: ["model": "\(slot.name)"]) }
    }
}

/// Why there are no models to serve.
public enum ModelStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No model was given.
    case noModels
    /// The models directory does not exist.
    case noDirectory(path: String)
    /// The file system failed, so it is not known whether there are models.
    case inaccessible(FileSystemError)
    /// The models directory holds no folder with a model.
    case emptyDirectory(path: String)
    /// The default that the settings name is not one of the models.
    case unknownDefault(name: String, known: [String])

    public var description: String {
        switch self {
        case .noModels: "There is no model to serve."
        case .noDirectory(let path):
            "There is no directory \(path); name the one that holds a folder a model with --models, or a checkpoint with "
                + "--checkpoint and --classes."
        case .inaccessible(let error): "The models cannot be listed: \(error)."
        case .emptyDirectory(let path):
            "\(path) holds no model folder; one has a checkpoint (.pth, .pt, .safetensors, .npz or .npy) and class_indices.json."
        case .unknownDefault(let name, let known):
            "The default model is to be \"\(name)\", but the models are \(known.joined(separator: ", "))."
        }
    }
}

/// Checks the model folders and their files at an interval.
///
/// Polling is a handful of stat(2) calls. It works on every file system, over container volumes and network mounts
/// where change notifications do not arrive.
final class ModelWatcher: Sendable {
    private let store: ModelStore
    private let interval: Duration
    private let timers: TimerQueue
    /// A check may block on a slow disk, so it has a queue of its own.
    private let queue: any SerialQueue
    private let isStopped = Atomic(false)

    /// - Parameter interval: the time between two checks.
    init(
        store: ModelStore, interval: Duration, timers: TimerQueue,
        queue: any SerialQueue = DispatchQueue(label: "model.watcher")
    ) {
        self.store = store
        self.interval = interval
        self.timers = timers
        self.queue = queue
        look(at: timers.now + interval)
    }

    /// Checks at a time, and then again after each interval; at once if a check took longer than that.
    private func look(at time: ContinuousClock.Instant) {
        timers.schedule(at: time) { [weak self] in
            guard let self else { return }
            queue.submit { [self] in
                guard !isStopped.load(ordering: .relaxed) else { return }
                store.look()
                look(at: max(time + interval, timers.now))
            }
        }
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }
}
