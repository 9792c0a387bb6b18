import ArgumentParser
import Foundation
import Inference
import Server
import Training

/// The options that select one model: a folder, or a checkpoint with its companions.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A model folder (default: the first in weights/).", valueName: "directory"))
    var model: String?

    @OptionGroup var source: CheckpointOptions

    func validate() throws {
        if model != nil, source.checkpoint != nil {
            throw ValidationError("--model and --checkpoint cannot be combined; give one of them.")
        }
    }

    /// Whether a model was given, instead of the default.
    var isNamed: Bool { model != nil || source.checkpoint != nil }

    /// The model's files.
    func files() throws -> ModelFiles {
        try source.check()
        if let files = source.files { return files }
        if let model {
            var isDirectory: ObjCBool = false
            if FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory), !isDirectory.boolValue {
                throw NoModelFolder(path: model)
            }
            return try ModelFiles(folder: model, preprocessing: source.preprocessing)
        }
        do throws(ModelStoreError) {
            guard let first = try ModelStore.folders(in: "weights", followsOutsideLinks: true).first else {
                throw ModelStoreError.noModels
            }
            return first
        } catch {
            // A directory that cannot be read is a different error than a directory without models.
            if case .inaccessible = error { throw error }
            throw NoModelGiven()
        }
    }
}

extension Model {
    /// Prints to standard error what was assumed about the network because the model's files do not say it.
    func printAssumptions() {
        for note in notes { OutputStream.error.writeIfPossible("alexnet: \(name): \(note).\n") }
        for assumption in assumptions { OutputStream.error.writeIfPossible("alexnet: \(name): \(assumption).\n") }
    }
}

/// The path given as the model folder is a file.
struct NoModelFolder: Error, CustomStringConvertible {
    let path: String

    var description: String {
        "\(path) is a file, not a model folder; for a checkpoint use --checkpoint FILE --classes FILE."
    }
}

extension ModelOptions {
    /// The record of the model's training; nil if there is none.
    var trainingRecord: TrainingRecord? {
        if let checkpoint = source.checkpoint { return TrainingRecord(checkpoint: checkpoint) }
        guard let folder = model ?? (try? files().name).map({ "weights/" + $0 }) else { return nil }
        return TrainingRecord(folder: folder)
    }
}

/// No model was given, and `weights/` holds none.
struct NoModelGiven: Error, CustomStringConvertible {
    var description: String {
        "There is no model in weights/ here; give one with --model DIRECTORY, or with --checkpoint FILE --classes FILE."
    }
}

/// The options that select a checkpoint and how it is loaded, shared by the subcommands.
struct CheckpointOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A checkpoint (.pth, .safetensors or its index, .npz, .npy), instead of a model folder.", valueName: "file")
    )
    var checkpoint: String?

    @Option(
        help: ArgumentHelp(
            "The class map of --checkpoint (default: class_indices.json beside it).", valueName: "file"))
    var classes: String?

    @Option(
        help: ArgumentHelp(
            "How an image becomes the network's input: stretch, imagenet, caffe or unit (default: the architecture's usual "
                + "preset).",
            valueName: "preset"))
    var preprocessing: Preprocessing.Preset?

    @Option(
        help: ArgumentHelp(
            "The type of the linear layers' weights: float32, float16 or int8-weights (default: that of model.json).",
            valueName: "format"))
    var precision: Precision?

    func validate() throws {
        if classes != nil, checkpoint == nil {
            throw ValidationError("--classes requires --checkpoint; a model folder has its own class_indices.json.")
        }
        if let checkpoint, let classes, Self.isClassMap(checkpoint), Checkpoint.Format(suffixOf: classes) != nil {
            throw ValidationError(
                "--checkpoint and --classes are swapped: \(checkpoint) looks like the class map, and \(classes) like the "
                    + "checkpoint.")
        }
    }

    private static func isClassMap(_ path: String) -> Bool {
        [".json", ".txt"].contains(where: path.lowercased().hasSuffix)
            && !path.lowercased().hasSuffix(".index.json")
    }

    /// Checks that the given files exist.
    ///
    /// - Throws: ``MissingFile``, which names the option.
    func check() throws {
        for (option, path) in [("--checkpoint", checkpoint), ("--classes", classes)] {
            if let path, !FileManager.default.fileExists(atPath: path) { throw MissingFile(path: path, option: option) }
        }
    }

    /// The files that --checkpoint selects; nil without --checkpoint.
    var files: ModelFiles? {
        checkpoint.map { ModelFiles(checkpoint: $0, classes: classes, preprocessing: preprocessing) }
    }
}

/// A file on the command line does not exist.
struct MissingFile: Error, CustomStringConvertible {
    let path: String
    let option: String

    var description: String { "There is no file \(path) (\(option))." }
}

extension Preprocessing.Preset: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension DecodeMode: ExpressibleByArgument {}
