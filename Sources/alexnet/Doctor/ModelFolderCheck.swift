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

    /// Those that are served.
    var models: [ModelFiles] { (try? result.get()) ?? [] }

    static func here(_ settings: Settings, files: ModelFiles?) -> Self {
        let directory = settings.models.directory
        if let files {
            return Self(
                directory: nil, result: .success([files]), defaultModel: settings.models.defaultModel, others: []
            )
        }
        let result = Result { () throws(ModelStoreError) in try ModelStore.folders(in: directory) }
        let served = Set(((try? result.get()) ?? []).map(\.name))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let others = names.sorted().filter { name in
            var isDirectory: ObjCBool = false
            return !name.hasPrefix(".") && !served.contains(name)
                && FileManager.default.fileExists(atPath: directory + "/" + name, isDirectory: &isDirectory)
                && isDirectory.boolValue
        }
        return Self(
            directory: directory, result: result, defaultModel: settings.models.defaultModel, others: others)
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
