import ArgumentParser
import Foundation
import Inference

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
            "How a picture becomes the network's input: stretch, imagenet, caffe or unit (default: the usual way of the "
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
