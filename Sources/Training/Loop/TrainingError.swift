import Inference

/// Why a training cannot begin or continue.
public enum TrainingError: Error, Equatable, Sendable {
    /// A layer has no backward pass.
    case notDifferentiable(layer: String, reason: String)
    /// The names of layers to freeze or to initialise are unknown.
    case unknownLayers(names: [String], known: [String])
    /// Every layer is frozen.
    case nothingToLearn
    /// The architecture cannot be trained; `known` lists those that can.
    case unknownArchitecture(name: String, known: [String])
    /// A setting in a training state has an unknown value.
    case unknownSetting(name: String, value: String)
    /// A hyperparameter is out of range.
    case setting(HyperparameterError)
    /// The initial checkpoint cannot be used.
    case checkpoint(file: String, CheckpointError)
    /// The checkpoint's network is known, but it has layers without a backward pass.
    case notTrainable(file: String, found: String, trainable: [String])
    /// The checkpoint holds a different network than the one asked for; `differences` are those of the shapes.
    case otherArchitecture(file: String, found: String, asked: String, differences: [CheckpointError])
    /// A batch is larger than the training part. Units: images.
    case batchTooLarge(batchSize: Int, imageCount: Int)
    /// No image of an epoch could be read.
    case nothingReadable
    /// The loss or a parameter became NaN or infinite. Epoch and step are numbered from 1. Units of the loss: nats.
    case diverged(epoch: Int, step: Int, loss: Double)
    /// The model or the history could not be written. The associated text is the reason, as a sentence.
    case notWritten(String)
    /// The training state could not be written or restored.
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
            "there is no architecture \"\(name)\"; those that can be trained are \(known.joined(separator: ", "))"
        case .unknownSetting(let name, let value): "the \(name) \"\(value)\" is unknown"
        case .setting(let error): error.description
        case .checkpoint(let file, let error): "\(file): \(error)"
        case .notTrainable(let file, let found, let trainable):
            "\(file) holds a \(found), which can be served and evaluated, but not trained; those that can be trained are "
                + trainable.joined(separator: ", ")
        case .otherArchitecture(let file, let found, let asked, let differences):
            "\(file) holds the network \(found), but \(asked) is asked for: "
                + differences.prefix(2).map(\.description).joined(separator: ", ")
                + (differences.count > 2 ? ", and \(differences.count - 2) more" : "")
                + "; omit --model to train the \(found)"
        case .batchTooLarge(let batchSize, let imageCount):
            "the batch size \(batchSize) is larger than the number of training images, \(imageCount); choose a smaller one"
        case .nothingReadable: "none of the images could be read, so there is nothing to train on"
        case .diverged(let epoch, let step, let loss):
            "the loss became \(loss.isNaN ? "NaN" : "\(loss)") in step \(step) of epoch \(epoch); a lower learning rate (--lr) or "
                + "gradient clipping (--clip-norm) may help" + (epoch > 1 ? ". The best epoch so far is kept" : "")
        case .notWritten(let reason): reason
        case .state(let error): error.description
        }
    }
}
