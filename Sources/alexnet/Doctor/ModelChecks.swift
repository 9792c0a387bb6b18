import Foundation
import Inference
import Server

/// Whether there is something to serve, and nothing beside it that was meant to be.
struct ModelFolderCheck: Check {
    /// `models.directory`; nil where a checkpoint is served alone.
    let directory: String?
    let result: Result<[ModelFiles], ModelStoreError>
    /// `models.default`.
    let defaultModel: String?
    /// Folders that hold no model.
    let others: [String]
    /// Folders that could not be looked at.
    var unseen: [String] = []

    /// Those that are served.
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
                name, "\(found), and folders that cannot be looked at: \(shortList(unseen))",
                advice: "Let this user read them, or move them elsewhere.")
        }
        guard others.isEmpty else {
            return .warning(
                name, "\(found), and folders without a model: \(shortList(others))",
                advice: "Put a checkpoint (.pth, .pt, .safetensors or .npz) there, or move them elsewhere.")
        }
        return .ok(name, found)
    }

    /// The first few names, and how many more there are.
    private func shortList(_ names: [String]) -> String {
        let shown = names.prefix(Self.longestList).joined(separator: ", ")
        return names.count > Self.longestList ? "\(shown) and \(names.count - Self.longestList) more" : shown
    }

    private static let longestList = 5
}

/// Whether a model loads and answers.
struct ModelCheck: Check {
    /// What came of loading.
    enum Outcome {
        /// It loaded, and answered two images.
        case loaded(architecture: String, precision: Precision, classCount: Int, duration: Duration)
        /// The loader's sentence.
        case refused(String)
        /// Loading it would have taken more memory than there is. Units: bytes.
        case tooLarge(need: Int)
    }

    let name: String
    let outcome: Outcome

    /// Loads a model, lets it answer and forgets it; nothing is measured, so that nothing is kept.
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
                    architecture: model.architecture, precision: model.precision, classCount: model.classes.count,
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
                "\(name), \(architecture) in \(precision.rawValue) with \(classCount) classes, loaded and answered in \(seconds)"
            )
        case .refused(let sentence):
            return .failed("model", name, advice: sentence)
        case .tooLarge(let need):
            return .warning(
                "model", "\(name), not loaded", advice: "Free \((need >> 20) + 1) MiB of memory, then look again.")
        }
    }
}
