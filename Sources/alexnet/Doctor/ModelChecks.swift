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
