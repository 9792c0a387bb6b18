import Files
import Inference

/// The models to serve cannot be found.
public enum ModelStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    case noModels
    case noDirectory(path: String)
    /// What there is is not known.
    case cannotLook(FileSystemError)
    case emptyDirectory(path: String)
    case unknownDefault(name: String, known: [String])

    public var description: String {
        switch self {
        case .noModels: "There is no model to serve."
        case .noDirectory(let path):
            "There is no directory \(path); name the one that holds a folder a model with --models, or a checkpoint with "
                + "--checkpoint and --classes."
        case .cannotLook(let error): "The models cannot be looked for: \(error)."
        case .emptyDirectory(let path):
            "\(path) holds no model folder; one has a checkpoint (.pth, .pt, .safetensors, .npz or .npy) and class_indices.json."
        case .unknownDefault(let name, let known):
            "The default model is to be \"\(name)\", but the models are \(known.joined(separator: ", "))."
        }
    }
}
