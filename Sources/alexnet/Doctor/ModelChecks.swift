import Foundation
import Host
import Inference
import Server

/// Checks that there are models to serve, and that no folder beside them lacks a model.
struct ModelFolderCheck: Check {
    /// The setting `models.directory`; nil if a single checkpoint is served.
    let directory: String?
    /// The models, or why there are none.
    let result: Result<[ModelFiles], ModelStoreError>
    /// The setting `models.default`; nil if it is not set.
    let defaultModel: String?
    /// Folders without a model.
    let others: [String]
    /// Folders that could not be read.
    var unseen: [String] = []

    /// The models that would be served.
    var models: [ModelFiles] { (try? result.get()) ?? [] }

    static func here(_ settings: Settings, files: ModelFiles?) -> Self {
        let directory = settings.models.directory
        if let files {
            return Self(
                directory: nil, result: .success([files]), defaultModel: settings.models.defaultModel, others: []
            )
        }
        let follows = settings.models.followOutsideLinks
        let listing = Result { () throws(ModelStoreError) in
            try ModelStore.list(directory, followsOutsideLinks: follows)
        }
        let result = Result { () throws(ModelStoreError) in
            try ModelStore.folders(in: directory, followsOutsideLinks: follows)
        }
        let found = try? listing.get()
        return Self(
            directory: directory, result: result, defaultModel: settings.models.defaultModel,
            others: found?.others ?? [], unseen: found?.unseen.keys.sorted() ?? [])
    }

    var finding: Finding {
        let name = "models"
        let source = directory.map { $0 + " holds " } ?? ""
        let models: [ModelFiles]
        switch result {
        case .failure(let error): return .failed(name, directory ?? "none", advice: "\(error)")
        case .success(let found): models = found
        }
        let found = source + models.map(\.name).sorted().joined(separator: ", ")
        if let defaultModel, !models.contains(where: { $0.name == defaultModel }) {
            let error = ModelStoreError.unknownDefault(name: defaultModel, known: models.map(\.name).sorted())
            return .failed(name, found, advice: "\(error)")
        }
        guard unseen.isEmpty else {
            return .warning(
                name, "\(found), and folders that cannot be read: \(shortList(unseen))",
                advice: "Make them readable for this user, or move them elsewhere.")
        }
        guard others.isEmpty else {
            return .warning(
                name, "\(found), and folders without a model: \(shortList(others))",
                advice: "Add a checkpoint (.pth, .pt, .safetensors or .npz), or move them elsewhere.")
        }
        return .ok(name, found)
    }

    /// The first few names, and the number of the others.
    private func shortList(_ names: [String]) -> String {
        let shown = names.prefix(Self.longestList).joined(separator: ", ")
        return names.count > Self.longestList ? "\(shown) and \(names.count - Self.longestList) more" : shown
    }

    private static let longestList = 5
}

/// Checks that a model can be loaded and run.
struct ModelCheck: Check {
    /// The result of loading.
    enum Outcome {
        /// The model was loaded and warmed up in this duration.
        case loaded(architecture: String, precision: String, classCount: Int, duration: Duration)
        /// The loader refused the model for this reason.
        case refused(String)
        /// The model was not loaded, because it needs more memory than is available. Units: bytes.
        case tooLarge(need: Int)
    }

    /// The model's name.
    let name: String
    /// The result of loading.
    let outcome: Outcome

    /// Loads a model, runs it and releases it. The algorithms are not tuned, so no cache is written.
    static func load(_ files: ModelFiles, by loader: ModelLoader) -> Self {
        let need = MemoryCheck.need(of: files.checkpointByteCount ?? 0)
        if let available = AvailableMemory.current, available < need {
            return Self(name: files.name, outcome: .tooLarge(need: need))
        }
        let start = ContinuousClock.now
        do {
            let model = try loader.load(files)
            return Self(
                name: files.name,
                outcome: .loaded(
                    architecture: model.architecture, precision: model.precisionName, classCount: model.classes.count,
                    duration: .now - start))
        } catch {
            return Self(name: files.name, outcome: .refused("\(error)"))
        }
    }

    var finding: Finding {
        switch outcome {
        case .loaded(let architecture, let precision, let classCount, let duration):
            let seconds = String(format: "%.1f s", duration / .seconds(1))
            return .ok(
                "model",
                "\(name), \(architecture) in \(precision) with \(classCount) classes, loaded and run in \(seconds)"
            )
        case .refused(let sentence):
            return .failed("model", name, advice: sentence)
        case .tooLarge(let need):
            return .warning(
                "model", "\(name), not loaded", advice: "Free \((need >> 20) + 1) MiB of memory, then run doctor again."
            )
        }
    }
}
