import Dispatch
import Foundation
import Inference
import Logging
import Synchronization

/// The models that are served, by name; with a directory, the folders that are in it at the time.
public final class ModelStore: Sendable {
    private struct State {
        var slots: [String: ModelSlot] = [:]
        /// The default where the settings name none: the first by name that loaded, as long as it is there.
        var chosenDefault: String?
        /// The folders that were missing at the last look: gone if they are missing at the next one too.
        var missing: Set<String> = []
    }

    /// Which models there are.
    enum Source: Sendable {
        /// The folders of a directory, those that come later among them.
        case directory(String)
        /// At least one, and no others.
        case files([ModelFiles])
    }

    /// The directory whose folders are served; nil where the models are given.
    private let directory: String?
    /// `models.default`.
    private let configuredDefault: String?
    private let context: ModelSlot.Context
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - defaultName: the default; nil takes the first by name that loads.
    ///   - limits: what models may take.
    init(
        _ source: Source, defaultName: String?, loader: ModelLoader, limits: ModelLimits = ModelLimits(),
        metrics: ServingMetrics, logger: Logger
    ) throws(ModelStoreError) {
        let files: [ModelFiles]
        switch source {
        case .directory(let path):
            directory = path
            files = try Self.folders(in: path)
        case .files(let given):
            directory = nil
            files = given
        }
        let context = ModelSlot.Context(
            loader: loader, budget: MemoryBudget(limit: limits.memoryLimit), batching: limits.batching,
            metrics: metrics, logger: logger)
        let slots = Dictionary(files.map { ($0.name, ModelSlot(files: $0, context: context)) }) { first, _ in first }
        guard !slots.isEmpty else { throw ModelStoreError.noModels }
        if let defaultName, slots[defaultName] == nil {
            throw ModelStoreError.unknownDefault(name: defaultName, known: slots.keys.sorted())
        }
        self.context = context
        self.logger = logger
        configuredDefault = defaultName
        state = Mutex(State(slots: slots))
    }

    /// The model folders of a directory: those that hold a `model.json` or a checkpoint.
    public static func folders(in directory: String) throws(ModelStoreError) -> [ModelFiles] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory)
        } catch {
            throw ModelStoreError.noDirectory(path: directory)
        }
        let files = names.filter { !$0.hasPrefix(".") }.sorted().compactMap { name in
            try? ModelFiles(folder: directory + "/" + name)
        }
        .filter(\.holdsModel)
        guard !files.isEmpty else { throw ModelStoreError.emptyDirectory(path: directory) }
        return files
    }

    /// Every model, by ascending name.
    public var slots: [ModelSlot] { state.withLock(\.slots).values.sorted { $0.name < $1.name } }

    /// The model of that name, if there is one.
    public subscript(name: String) -> ModelSlot? { state.withLock { $0.slots[name] } }

    /// The one behind `POST /predict`: the one that the settings name, or else the first by name that loaded, as long as it
    /// is there. Nil while there is none.
    public var defaultSlot: ModelSlot? {
        state.withLock { state in
            if let configuredDefault { return state.slots[configuredDefault] }
            if let slot = state.chosenDefault.flatMap({ state.slots[$0] }) { return slot }
            let slots = state.slots.values.sorted { $0.name < $1.name }
            let chosen = slots.first { $0.model != nil }
            state.chosenDefault = chosen?.name
            return chosen ?? slots.first
        }
    }

    /// What the default is called, or would be.
    var defaultName: String { configuredDefault ?? defaultSlot?.name ?? "" }

    /// Loads every model, by name, but the one that the settings name first.
    ///
    /// - Parameter shouldStop: is asked before each.
    /// - Returns: how many serve.
    public func loadAll(shouldStop: () -> Bool = { false }) async -> Int {
        let slots = slots
        for slot in slots.filter({ $0.name == configuredDefault }) + slots.filter({ $0.name != configuredDefault }) {
            if shouldStop() { break }
            _ = await slot.reload()
        }
        return slots.count { $0.model != nil }
    }

    /// Looks which folders have come and gone, and at the files of each.
    public func look() {
        lookForFolders()
        for slot in slots { slot.look() }
    }

    /// Looks whether a folder of that name has come.
    func look(for name: String) {
        guard let directory, !name.contains("/"), !name.hasPrefix("."), self[name] == nil,
            let files = try? ModelFiles(folder: directory + "/" + name), files.holdsModel
        else { return }
        add([files])
    }

    private func lookForFolders() {
        // A mount that is away for a moment takes no model with it, whether it leaves a directory behind or none.
        guard let directory, let found = try? Self.folders(in: directory) else { return }
        add(found)
        let missing = Set(slots.filter { !$0.hasFolder }.map(\.name))
        let gone = state.withLock { state in
            let gone = missing.intersection(state.missing).compactMap { state.slots.removeValue(forKey: $0) }
            state.missing = missing
            return gone
        }
        for slot in gone { slot.retire(isBack: { [weak self] in self?[slot.name] != nil }) }
    }

    private func add(_ files: [ModelFiles]) {
        let come: [ModelSlot] = state.withLock { state in
            let come = files.filter { state.slots[$0.name] == nil }.map { ModelSlot(files: $0, context: context) }
            for slot in come { state.slots[slot.name] = slot }
            return come
        }
        for slot in come { logger.info("model folder found", metadata: ["model": "\(slot.name)"]) }
    }
}
