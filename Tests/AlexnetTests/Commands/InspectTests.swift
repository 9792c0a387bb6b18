import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct InspectTests {
    private let folder: TemporaryFolder
    private let tiny: TinyModel

    init() throws {
        folder = try TemporaryFolder()
        tiny = try TinyModel()
    }

    private func json(_ path: String) async throws -> [String: Any] {
        let found = try await BuiltProgram.run(["inspect", path, "--json"])
        #expect(found.code == 0)
        return try #require(try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
    }

    @Test func `a model folder's layers, totals and classes are told, in a table and in JSON`() async throws {
        let found = try await BuiltProgram.run(["inspect", tiny.folder.path])
        #expect(found.code == 0)
        let lines = found.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "file           \(tiny.folder.path)")
        #expect(lines.contains("architecture   alexnet"))
        #expect(lines.contains("classes        3: class 0, class 1, class 2"))
        #expect(lines.contains { $0.hasPrefix("features.0    Conv2d 11×11, stride 4, padding 2   [4, 55, 55] ") })
        #expect(!lines.contains { $0.hasSuffix(" ") })

        let json = try await json(tiny.folder.path)
        #expect(json["architecture"] as? String == "alexnet")
        #expect(json["format"] as? String == "safetensors")
        #expect(json["types"] as? [String] == ["float32"])
        #expect(json["input"] as? [Int] == [3, 224, 224])
        #expect((json["version"] as? String)?.count == 12)
        #expect((json["preprocessing"] as? [String: Any])?["crop"] as? [Int] == [224, 224])
        let layers = try #require(json["layers"] as? [[String: Any]])
        #expect(layers[0]["parameters"] as? Int == 4 * 3 * 11 * 11 + 4)
        #expect(layers[0]["multiply_adds"] as? Int == 4 * 3 * 11 * 11 * 55 * 55)
        #expect(layers[1]["multiply_adds"] as? Int == 0)
        #expect(layers.last?["multiply_adds"] as? Int == 8 * 3)
        let total = layers.reduce(0) { $0 + ($1["multiply_adds"] as? Int ?? 0) }
        #expect(json["multiply_adds"] as? Int == total)
        #expect(json["flops"] as? Int == 2 * total)
        #expect((json["tensors"] as? [Any])?.count == 16)
    }

    @Test func `a checkpoint alone is known by its tensors, and what it lacks is said`() async throws {
        let path = folder.path("model.pth")
        _ = try await BuiltProgram.run(["convert", tiny.path("model.safetensors"), path, "--type", "bfloat16"])
        let json = try await json(path)
        #expect(json["architecture"] as? String == "alexnet")
        #expect(json["types"] as? [String] == ["bfloat16"])
        #expect(json["version"] == nil)
        #expect((json["note"] as? String)?.contains("holds no class_indices.json") == true)
        #expect((json["layers"] as? [Any])?.isEmpty == false)
    }

    @Test func `of a network that nobody knows the tensors are listed`() async throws {
        let path = folder.path("a\u{1B}.npz")
        try CheckpointWriter.write(
            [
                ("conv.weight", Tensor([2, 3, 1, 1], scalars: [1, 2, 3, 4, 5, 6])),
                ("conv.bias", Tensor([2], scalars: [1, 2])),
            ],
            to: path, format: .npz)
        let found = try await BuiltProgram.run(["inspect", path, "--filters", folder.path("f.png")])
        #expect(found.code == 0)
        #expect(found.output.contains("architecture   unknown\n"))
        #expect(found.output.contains("the tensors fit no known network"))
        #expect(found.output.contains("conv.weight  float32   [2, 3, 1, 1]                     6\n"))
        #expect(!found.output.contains("\u{1B}"))
        let image = try ImageDecoder()([UInt8](Data(contentsOf: URL(fileURLWithPath: folder.path("f.png")))))
        #expect(image.width == 2 + 2 * 66 && image.height == 2 + 66)
    }

    @Test func `filters are drawn, and what has none says so`() async throws {
        let path = folder.path("f.png")
        #expect(try await BuiltProgram.run(["inspect", tiny.folder.path, "--filters", path]).code == 0)
        let image = try ImageDecoder()([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        // Two by two filters of 11×11, six times their size.
        #expect(image.width == 2 + 2 * (66 + 2) && image.height == image.width)

        let flat = folder.path("flat.safetensors")
        try CheckpointWriter.write([("w", Tensor([1], scalars: [1]))], to: flat, format: .safetensors)
        let none = try await BuiltProgram.run(["inspect", flat, "--filters", path])
        #expect(none.code == 1)
        #expect(none.error == "alexnet: The first layer's filters cannot be drawn: there is no convolution.\n")
    }

    @Test func `what is not there is told in a sentence`() async throws {
        let found = try await BuiltProgram.run(["inspect", folder.path("none")])
        #expect(found.code == 1)
        #expect(found.error == "alexnet: \(folder.path("none")) cannot be read: No such file or directory.\n")
    }
}
