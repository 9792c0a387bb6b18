import ArgumentParser
import Inference
import Server

/// The options of a subcommand that works on one model: a folder, or a checkpoint with its companions.
struct ModelSourceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A model folder (default: the first in weights/).", valueName: "directory"))
    var model: String?

    @OptionGroup var checkpoint: ModelOptions

    func validate() throws {
        if model != nil, checkpoint.checkpoint != nil {
            throw ValidationError("--model and --checkpoint name two models; give one of them.")
        }
    }

    /// The model's files.
    func files() throws -> ModelFiles {
        if let files = checkpoint.files { return files }
        if let model { return try ModelFiles(folder: model, preprocessing: checkpoint.preprocessing) }
        guard let first = try ModelStore.folders(in: "weights").first else { throw ModelStoreError.noModels }
        return first
    }
}
