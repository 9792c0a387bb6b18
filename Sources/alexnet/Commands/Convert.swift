import ArgumentParser
import Foundation
import Inference

/// `alexnet convert`: writes a checkpoint in another format or element type.
struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a checkpoint in another format: .pth, .safetensors or .npz.",
        discussion: """
            Names and shapes stay the same. Numbers stay the same bit for bit, or with --type are rounded to nearest. The \
            format is that of the output's suffix; the input's format is recognised by its content. PyTorch can load the \
            output with weights_only=True. The output is written atomically.
            """
    )

    /// The element types that can be written.
    enum NumberType: String, CaseIterable, ExpressibleByArgument {
        case float32, float16, bfloat16

        var scalarType: ScalarType {
            switch self {
            case .float32: .float32
            case .float16: .float16
            case .bfloat16: .bfloat16
            }
        }
    }

    @Argument(help: ArgumentHelp("A checkpoint: .pth, .pt, .safetensors, .npz or .npy.", valueName: "in"))
    var input: String

    @Argument(help: ArgumentHelp("The file to write; its suffix is the format.", valueName: "out"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "float32, float16 or bfloat16 (default: each tensor's own type; float64 becomes float32).",
            valueName: "format"))
    var type: NumberType?

    @Flag(help: "Replace the output if it exists.")
    var force = false

    func validate() throws {
        guard Checkpoint.Format(suffixOf: output) != nil else {
            throw ValidationError(
                "The output's suffix has to be .pth, .pt, .safetensors or .npz, which is its format, not \(output).")
        }
    }

    func run() throws {
        guard let format = Checkpoint.Format(suffixOf: output) else { return }
        do {
            guard FileManager.default.fileExists(atPath: input) else { throw MissingInput(path: input, output: output) }
            if !force, FileManager.default.fileExists(atPath: output) { throw OutputExists(path: output) }
            let checkpoint = try Checkpoint(contentsOf: input)
            var progress = ProgressBar(total: checkpoint.tensors.count, unit: "tensors", isShown: true)
            let tensors = checkpoint.tensors.map { name, stored in
                WritableTensor(name: name, stored: stored, scalarType: type?.scalarType) { progress.advance(by: 1) }
            }
            defer { progress.clear() }
            let byteCount = try CheckpointWriter.write(
                tensors, to: output, format: format, metadata: checkpoint.metadata)
            progress.clear()
            for skipped in checkpoint.skipped {
                OutputStream.error.writeIfPossible(
                    "alexnet: \(skipped.name) is left out: its type is \(skipped.scalarName), which is not a weight's.\n"
                )
            }
            for object in checkpoint.objects {
                OutputStream.error.writeIfPossible(
                    "alexnet: \(object.name) is left out: it is \(object.kind), not a tensor.\n")
            }
            checkpoint.notes.forEach { OutputStream.error.writeIfPossible("alexnet: \($0).\n") }
            if checkpoint.isQuantized {
                OutputStream.error.writeIfPossible(
                    "alexnet: the quantized weights are written as numbers; the output is computed in float32.\n")
            }
            if format != .safetensors, !checkpoint.metadata.isEmpty {
                OutputStream.error.writeIfPossible(
                    "alexnet: the metadata are left out: only .safetensors can hold them.\n")
            }
            try OutputStream.output.write(
                Self.line(
                    input, checkpoint.format, checkpoint.tensors.map(\.tensor.scalarType),
                    checkpoint.tensors.map(\.tensor.shape), byteCount: checkpoint.byteCount)
                    + Self.line(
                        output, format, tensors.map(\.scalarType), tensors.map(\.shape), byteCount: byteCount))
        } catch let error as CheckpointError {
            throw Failure.work(CheckpointFailure(file: input, error: error))
        } catch {
            throw Failure.work(error)
        }
    }

    /// A line that describes a file: `a.pth  pytorch, float32, 16 tensors, 14,583,706 numbers, 58,336,741 bytes`.
    private static func line(
        _ path: String, _ format: Checkpoint.Format, _ types: [ScalarType], _ shapes: [Shape], byteCount: Int
    ) -> String {
        let names = ScalarType.allCases.filter(types.contains).map(\.rawValue).joined(separator: " and ")
        let numberCount = shapes.reduce(0) { $0 + $1.elementCount }
        return "\(path)  \(format.rawValue), \(names), \(types.count) tensors, \(Count.grouped(numberCount)) numbers, "
            + "\(Count.grouped(byteCount)) bytes\n"
    }
}

/// The input of a conversion does not exist.
struct MissingInput: Error, CustomStringConvertible {
    let path: String
    let output: String

    var description: String {
        let hint =
            FileManager.default.fileExists(atPath: output) ? " The input comes first: alexnet convert IN OUT." : ""
        return "\(path) cannot be read: No such file or directory.\(hint)"
    }
}

/// The output of a conversion exists already.
struct OutputExists: Error, CustomStringConvertible {
    let path: String

    var description: String { "\(path) exists already; --force replaces it." }
}

/// An error in a checkpoint, as a sentence with the file's name.
struct CheckpointFailure: Error, CustomStringConvertible {
    let file: String
    let error: CheckpointError

    var description: String {
        error.description.hasPrefix(file) ? error.description + "." : "\(file): \(error.description)."
    }
}
