/// A model cannot be loaded.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case noFolder(path: String)
    case unreadable(path: String, reason: String)
    case noCheckpoint(folder: String)
    case ambiguousCheckpoint(folder: String, files: [String])
    case noClassMap(folder: String)
    case pathOutsideFolder(file: String)
    case unknownArchitecture(name: String, known: [String])
    /// What is wrong with `model.json`, as the end of a sentence.
    case description(String)
    case checkpoint(CheckpointError)
    case classes(ClassMapError)
    case preprocessing(PreprocessingError)
    case nonFiniteOutput

    public var description: String {
        switch self {
        case .noFolder(let path): "There is no model folder \(path)."
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)."
        case .noCheckpoint(let folder):
            "\(folder) holds no checkpoint; put a .pth, .pt or .safetensors file there, or name one in model.json."
        case .ambiguousCheckpoint(let folder, let files):
            "\(folder) holds \(files.joined(separator: " and ")); say in model.json which is the \"checkpoint\"."
        case .noClassMap(let folder):
            "\(folder) holds no class_indices.json; write one, as {\"0\": \"daisy\", …}, or name one with --classes."
        case .pathOutsideFolder(let file):
            "model.json names \(file), which is not a plain file name; files stand beside model.json."
        case .unknownArchitecture(let name, let known):
            "model.json asks for architecture \"\(name)\"; known are \(known.joined(separator: ", "))."
        case .description(let reason): "model.json cannot be used: \(reason)."
        case .checkpoint(let error): error.description
        case .classes(let error): error.description
        case .preprocessing(let error): error.description
        case .nonFiniteOutput: "The network answers a grey picture with values that are not finite."
        }
    }
}
