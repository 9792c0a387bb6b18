import Inference

/// Training that cannot begin or go on.
public enum TrainingError: Error, Equatable, Sendable {
    /// A layer that no gradient passes through.
    case notDifferentiable(layer: String, reason: String)
    /// Layers that are to be frozen or begun anew, and that the network has not.
    case unknownLayers(names: [String], known: [String])
    /// Every layer is frozen.
    case nothingToLearn
    case unknownArchitecture(name: String, known: [String])
    case unknownSetting(name: String, value: String)
    case setting(HyperparameterError)
    /// A checkpoint that training cannot begin with.
    case checkpoint(file: String, CheckpointError)
    /// A checkpoint of a network that is known, but that no gradient is computed for.
    case notTrainable(file: String, found: String, trainable: [String])
    /// A checkpoint of another network than was asked for.
    case otherArchitecture(file: String, found: String, asked: String, differences: [CheckpointError])
    case batchTooLarge(batchSize: Int, imageCount: Int)
    /// None of an epoch's images could be read.
    case nothingReadable
    /// The loss is no number any more. Steps count from 1.
    case diverged(epoch: Int, step: Int, loss: Double)
    /// The model or the history could not be written.
    case notWritten(String)
    /// The state could not be written, or not be resumed from.
    case state(TrainingStateError)
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
        case .unknownArchitecture(let name, let known):
            "there is no architecture \"\(name)\"; known are \(known.joined(separator: ", "))"
        case .unknownSetting(let name, let value): "the \(name) \"\(value)\" is unknown"
        case .setting(let error): error.description
        case .checkpoint(let file, let error): "\(file): \(error)"
        case .notTrainable(let file, let found, let trainable):
            "\(file) holds a \(found), which is served and evaluated, but cannot be trained here; what can be trained is "
                + trainable.joined(separator: ", ")
        case .otherArchitecture(let file, let found, let asked, let differences):
            "\(file) holds the network \(found), and \(asked) is asked for: "
                + differences.prefix(2).map(\.description).joined(separator: ", ")
                + (differences.count > 2 ? ", and \(differences.count - 2) more" : "")
                + "; leave --model out to train the \(found)"
        case .batchTooLarge(let batchSize, let imageCount):
            "a batch of \(batchSize) is more than the \(imageCount) images there are to learn from; "
                + "choose a smaller one"
        case .nothingReadable: "none of the images could be read, so there is nothing to learn from"
        case .diverged(let epoch, let step, let loss):
            "the loss became \(loss.isNaN ? "NaN" : "\(loss)") in step \(step) of epoch \(epoch); a lower learning rate or a limit on the "
                + "gradients' norm may help" + (epoch > 1 ? ". The best epoch so far is kept" : "")
        case .notWritten(let reason): reason
        case .state(let error): error.description
        }
    }
}
