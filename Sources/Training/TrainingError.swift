import Inference

/// Training that cannot begin or go on.
public enum TrainingError: Error, Equatable, Sendable {
    /// A layer that no gradient passes through.
    case notDifferentiable(layer: String, reason: String)
    /// Layers that are to be frozen or begun anew, and that the network has not.
    case unknownLayers(names: [String], known: [String])
    /// Every layer is frozen.
    case nothingToLearn
}

extension TrainingError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notDifferentiable(let layer, let reason): "\(layer) cannot be trained: \(reason)"
        case .unknownLayers(let names, let known):
            "there is no layer \(names.map { "\"\($0)\"" }.joined(separator: ", ")); the network's layers are "
                + known.joined(separator: ", ")
        case .nothingToLearn: "every layer is frozen, so there is nothing to learn; freeze fewer"
        }
    }
}
