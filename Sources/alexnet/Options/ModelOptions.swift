import ArgumentParser
import Foundation
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
            // That nothing is there is one thing, that it could not be looked at another.
            if case .cannotLook = error { throw error }
            throw NoModelGiven()
        }
    }
}

extension Model {
    /// Says on standard error what the model's files leave open about the network, so that no number is wrong in silence.
    func printAssumptions() {
        for note in notes { OutputStream.error.writeIfPossible("alexnet: \(name): \(note).\n") }
        for assumption in assumptions { OutputStream.error.writeIfPossible("alexnet: \(name): \(assumption).\n") }
    }
}

/// The model folder is a file.
struct NoModelFolder: Error, CustomStringConvertible {
    let path: String

    var description: String {
        "\(path) is a file, not a model folder; name a checkpoint with --checkpoint FILE --classes FILE."
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

/// The options that name a checkpoint and say how it is loaded, shared by the subcommands.
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
            "How an image becomes the network's input: stretch, imagenet, caffe or unit (default: the usual way of the "
                + "architecture).",
            valueName: "preset"))
    var preprocessing: Preprocessing.Preset?

    @Option(
        help: ArgumentHelp(
            "What linear layers' weights are held in, whatever model.json says: float32, float16 or int8.",
            valueName: "format"))
    var precision: Precision?

    func validate() throws {
        if classes != nil, checkpoint == nil {
            throw ValidationError("--classes belongs to --checkpoint; a model folder has its own class_indices.json.")
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

    /// Looks whether the files that were named are there.
    ///
    /// - Throws: ``MissingFile``, which names the option.
    func check() throws {
        for (option, path) in [("--checkpoint", checkpoint), ("--classes", classes)] {
            if let path, !FileManager.default.fileExists(atPath: path) { throw MissingFile(path: path, option: option) }
        }
    }

    /// The files that --checkpoint and its companions name; nil without --checkpoint.
    var files: ModelFiles? {
        checkpoint.map { ModelFiles(checkpoint: $0, classes: classes, preprocessing: preprocessing) }
    }
}

/// A file that the command line names is not there.
struct MissingFile: Error, CustomStringConvertible {
    let path: String
    let option: String

    var description: String { "There is no file \(path) (\(option))." }
}

extension Preprocessing.Preset: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}
extension DecodeMode: ExpressibleByArgument {}
