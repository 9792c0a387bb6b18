import Foundation
import Inference
import Server

/// What was given as the directory of all models is one model, or a file.
enum ModelsDirectoryMistake: Error, Equatable, CustomStringConvertible {
    case modelFolder(path: String, parent: String)
    case file(path: String)

    /// Looks whether one of these is behind an error of the store's; nil where not.
    init?(_ error: any Error) {
        switch error as? ModelStoreError {
        case .emptyDirectory(let path):
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            guard names.contains(where: { Checkpoint.Format(suffixOf: $0) != nil }) else { return nil }
            let parent = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
            self = .modelFolder(path: path, parent: parent)
        case .noDirectory(let path) where FileManager.default.fileExists(atPath: path): self = .file(path: path)
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .modelFolder(let path, let parent):
            "\(path) is a model folder itself; name the directory that it lies in: --models \(Train.quoted(parent))."
        case .file(let path):
            "\(path) is a file; --models names a directory with one folder a model, and --checkpoint a file."
        }
    }
}
