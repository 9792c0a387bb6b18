import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct ConvertTests {
    private let folder: TemporaryFolder
    private let tiny: TinyModel

    init() throws {
        folder = try TemporaryFolder()
        tiny = try TinyModel()
    }

    @Test func `through every format and back, each number is the same, and the lines say what was read and written`()
        async throws
    {
        let source = tiny.path("model.safetensors")
        let steps = [source] + ["a.npz", "b.pth", "c.pt", "d.safetensors"].map(folder.path)
        for (input, output) in zip(steps, steps.dropFirst()) {
            let found = try await BuiltProgram.run(["convert", input, output])
            #expect(found.code == 0)
            #expect(found.error == "")
            let lines = found.output.split(separator: "\n")
            #expect(lines.count == 2)
            #expect(lines[0].hasPrefix("\(input)  ") && lines[1].hasPrefix("\(output)  "))
            #expect(lines[1].contains(", float32, 16 tensors, "))
        }
        let (first, last) = (try Checkpoint(contentsOf: source), try Checkpoint(contentsOf: steps[4]))
        #expect(last.tensors.count == 16)
        for (name, tensor) in first.tensors {
            #expect(try last.tensor(name, shape: tensor.shape).tensor().scalars == tensor.tensor().scalars)
        }
    }

    @Test func `a type is rounded to, and kept where none is named`() async throws {
        let half = folder.path("half.pth")
        #expect(
            try await BuiltProgram.run(["convert", tiny.path("model.safetensors"), half, "--type", "float16"]).code == 0
        )
        #expect(try Checkpoint(contentsOf: half).tensors.allSatisfy { $0.tensor.scalarType == .float16 })
        #expect(
            try await BuiltProgram.run(["convert", half, folder.path("half.npz")]).output.contains(
                "npz, float16, 16 tensors"))
    }

    /// A file of the fixtures that the readers' tests have.
    private static func fixture(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "InferenceTests/Fixtures/\(name)").path
    }

    @Test func `what is left out, and which of several dictionaries of weights was taken, is said, by inspect too`()
        async throws
    {
        let several = Self.fixture("TrainingScripts/wrapped-model-and-ema.pth")
        let choice = "the weights are those of [\"model\"]; the file also has \"model_ema\""
        #expect(
            try await BuiltProgram.run(["convert", several, folder.path("a.npz")]).error.contains("alexnet: \(choice)"))
        #expect(try await BuiltProgram.run(["inspect", several]).output.contains("note           \(choice)"))
        let object = Self.fixture("Hostile/Checkpoints/object-namespace.pth")
        #expect(
            try await BuiltProgram.run(["convert", object, folder.path("b.npz")]).error
                == "alexnet: fc.weight is left out: it is an object of class argparse.Namespace, not a tensor.\n")
    }

    @Test func `a file that is there is replaced only by force`() async throws {
        let output = folder.path("a.pth")
        try Data("old".utf8).write(to: URL(fileURLWithPath: output))
        let refused = try await BuiltProgram.run(["convert", tiny.path("model.safetensors"), output])
        #expect(refused.code == 1)
        #expect(refused.error == "alexnet: \(output) exists already; --force replaces it.\n")
        #expect(try String(contentsOfFile: output, encoding: .utf8) == "old")
        #expect(try await BuiltProgram.run(["convert", tiny.path("model.safetensors"), output, "--force"]).code == 0)
        #expect(try Checkpoint(contentsOf: output).format == .pytorch)
        #expect(folder.names == ["a.pth"])
    }

    @Test func `what is no checkpoint, and what cannot be written, are told in a sentence`() async throws {
        let input = tiny.path("class_indices.json")
        let unknown = try await BuiltProgram.run(["convert", input, folder.path("a.pth")])
        #expect(unknown.code == 1)
        #expect(unknown.error.hasPrefix("alexnet: \(input) is neither a PyTorch checkpoint nor safetensors nor"))
        let missing = try await BuiltProgram.run(["convert", folder.path("none.pth"), folder.path("a.pth")])
        #expect(missing.error == "alexnet: \(folder.path("none.pth")) cannot be read: No such file or directory.\n")
        let nowhere = try await BuiltProgram.run(["convert", tiny.path("model.safetensors"), folder.path("none/a.pth")])
        #expect(
            nowhere.error == "alexnet: \(folder.path("none/a.pth")) cannot be written: No such file or directory.\n")
        #expect(folder.names.isEmpty)
    }

    @Test func `metadata that have no place are said to be left out`() async throws {
        let path = folder.path("a.safetensors")
        try CheckpointWriter.write(
            [("w", Tensor([1], scalars: [1]))], to: path, format: .safetensors, metadata: ["epoch": "3"])
        let found = try await BuiltProgram.run(["convert", path, folder.path("a.npz")])
        #expect(found.error == "alexnet: the metadata are left out: only .safetensors can hold them.\n")
        #expect(try await BuiltProgram.run(["convert", path, folder.path("b.safetensors")]).error == "")
        #expect(try Checkpoint(contentsOf: folder.path("b.safetensors")).metadata == ["epoch": "3"])
    }
}
