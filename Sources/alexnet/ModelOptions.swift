import ArgumentParser
import Inference
import Server
import Training

/// The options of a subcommand that works on one model: a folder, or a checkpoint with its companions.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A model folder (default: the first in weights/).", valueName: "directory"))
    var model: String?

    @OptionGroup var source: CheckpointOptions

    func validate() throws {
        if model != nil, source.checkpoint != nil {
            throw ValidationError("--model and --checkpoint name two models; give one of them.")
        }
    }

    /// Was a model named, rather than left to be looked for?
    var isNamed: Bool { model != nil || source.checkpoint != nil }

    /// The model's files.
    func files() throws -> ModelFiles {
        if let files = source.files { return files }
        if let model { return try ModelFiles(folder: model, preprocessing: source.preprocessing) }
        guard let first = try? ModelStore.folders(in: "weights").first else { throw NoModelGiven() }
        return first
    }
}

extension ModelOptions {
    /// What the model's files tell of its training; nil where they tell nothing.
    var trainingRecord: TrainingRecord? {
        if let checkpoint = source.checkpoint { return TrainingRecord(checkpoint: checkpoint) }
        guard let folder = model ?? (try? files().name).map({ "weights/" + $0 }) else { return nil }
        return TrainingRecord(folder: folder)
    }
}

/// No model was named, and there is none where one is looked for.
struct NoModelGiven: Error, CustomStringConvertible {
    var description: String {
        "There is no model in weights/ here; name one with --model DIRECTORY, or with --checkpoint FILE --classes FILE."
    }
}
