import Foundation
import Inference
import Logging

/// The models that are served, by name.
public final class ModelStore: Sendable {
    /// Every model, by ascending name.
    public let slots: [ModelSlot]
    /// The one behind `POST /predict`.
    public let defaultSlot: ModelSlot

    /// - Parameters:
    ///   - files: at least one model's.
    ///   - defaultName: the default; nil takes the first by name.
    public init(
        files: [ModelFiles], defaultName: String?, loader: ModelLoader, metrics: ServingMetrics, logger: Logger
    ) throws(ModelStoreError) {
        let slots = files.sorted { $0.name < $1.name }
            .map { ModelSlot(files: $0, loader: loader, metrics: metrics, logger: logger) }
        guard let first = slots.first else { throw ModelStoreError.noModels }
        if let defaultName {
            guard let slot = slots.first(where: { $0.name == defaultName }) else {
                throw ModelStoreError.unknownDefault(name: defaultName, known: slots.map(\.name))
            }
            defaultSlot = slot
        } else {
            defaultSlot = first
        }
        self.slots = slots
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

    /// The model of that name, if there is one.
    public subscript(name: String) -> ModelSlot? { slots.first { $0.name == name } }

    /// Loads every model, the default one first.
    ///
    /// - Returns: how many loaded.
    public func loadAll() async -> Int {
        var count = 0
        for slot in [defaultSlot] + slots.filter({ $0 !== defaultSlot }) {
            if case .success = await slot.reload() { count += 1 }
        }
        return count
    }
}
