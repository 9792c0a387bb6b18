import Files
import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct QuantizeTests {
    private let folder: TemporaryFolder
    private let tiny: TinyModel

    /// Four plain images a class.
    init() throws {
        folder = try TemporaryFolder()
        tiny = try TinyModel()
        try tiny.write("model.json", #"{"architecture": "alexnet", "preprocessing": "imagenet"}"#)
        for label in 0..<3 {
            let path = folder.path("data/Class-\(label)")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            for index in 0..<4 {
                let image = PixelImage(
                    width: 1, height: 1, channelCount: 3, pixels: [UInt8(label * 100), UInt8(index * 60), 7])
                try AtomicFile.write(try PNGEncoder.encode(image), to: "\(path)/\(index).png")
            }
        }
    }

    private var arguments: [String] {
        [
            "quantize", "--data", folder.path("data"), "--model", tiny.folder.path, "--output", folder.path("out/int8"),
        ]
    }

    @Test func `a folder is written that predicts the same, and only --force replaces it`() async throws {
        let found = try await BuiltProgram.run(arguments + ["--json", folder.path("q.json")])
        #expect(found.code == 0, "\(found.error)")
        #expect(found.output.hasSuffix("written to \(folder.path("out/int8"))\n"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
        #expect(names == ["int8"])
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("q.json")))
        let report = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(report["images"] as? Int == 12)
        #expect(report["agreement"] as? Double == 1)
        #expect(report["accuracy_before"] as? Double == report["accuracy_after"] as? Double)

        let image = folder.path("data/Class-1/2.png")
        var answers: [[String: Any]] = []
        for model in [tiny.folder.path, folder.path("out/int8")] {
            let found = try await BuiltProgram.run(["predict", image, "--model", model, "--json"])
            let line = try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any]
            answers.append(try #require(line))
        }
        #expect(answers[0]["class"] as? String == answers[1]["class"] as? String)
        let probabilities = answers.compactMap { $0["probability"] as? Double }
        #expect(probabilities.count == 2 && abs(probabilities[0] - probabilities[1]) < 0.02)

        let again = try await BuiltProgram.run(arguments)
        #expect(again.code == 1)
        #expect(again.error.contains("exists already; --force replaces it."))
        #expect(try await BuiltProgram.run(arguments + ["--force"]).code == 0)

        let twice = try await BuiltProgram.run([
            "quantize", "--data", folder.path("data"), "--model", folder.path("out/int8"), "--output",
            folder.path("twice"),
        ])
        #expect(twice.code == 1)
        #expect(twice.error.contains("is quantized already; quantize the model that it was made from."))
        #expect(!FileManager.default.fileExists(atPath: folder.path("twice")))
    }

    @Test func `images without classes are enough, and a folder without images is not`() async throws {
        let path = folder.path("plain")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let arguments = ["quantize", "--data", path, "--model", tiny.folder.path, "--output", folder.path("plain8")]
        try AtomicFile.write([1], to: "\(path)/notes.txt")
        let empty = try await BuiltProgram.run(arguments)
        #expect(empty.code == 1)
        #expect(empty.error.contains("\(path) holds no JPEG, PNG or WebP file, only"), "\(empty.error)")
        for index in 0..<12 {
            let image = PixelImage(width: 1, height: 1, channelCount: 3, pixels: [UInt8(index * 20), 90, 7])
            try AtomicFile.write(try PNGEncoder.encode(image), to: "\(path)/\(index).png")
        }
        let found = try await BuiltProgram.run(arguments + ["--json", "-", "--agreement", "0"])
        #expect(found.code == 0, "\(found.error)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
        #expect(report["images"] as? Int == 12)
        #expect(report["accuracy_before"] is NSNull || report["accuracy_before"] == nil)
        #expect(FileManager.default.fileExists(atPath: folder.path("plain8/model.safetensors")))
    }

    @Test func `usage errors are told`() async throws {
        for (options, sentence) in [
            (["--images", "0"], "--images takes 1 to 100000, not 0."),
            (["--agreement", "1.5"], "--agreement takes 0 to 1, not 1.5."),
            (["--limit", "0"], "--limit takes a whole number from 1 on, not 0."),
            (["--precision", "float16"], "quantize it in float32."),
        ] {
            let found = try await BuiltProgram.run(arguments + options)
            #expect(found.code == 2)
            #expect(found.error.contains(sentence), "\(found.error)")
        }
    }

    @Test func `too few agreements leave nothing behind, and say what to do`() {
        let error = TooFewAgree(share: 0.9, least: 0.97)
        #expect(error.description.contains("90.00 %") && error.description.contains("97.00 %"))
        #expect(error.description.contains("--agreement"))
    }

    @Test func `a folder that is not finished is removed`() throws {
        let output = folder.path("unfinished")
        do {
            let replaced = try ReplacedFolder(output, replaces: false)
            try Data([1]).write(to: URL(fileURLWithPath: replaced.path + "/file"))
        }
        #expect(folder.names == ["data"])
        let replaced = try ReplacedFolder(output, replaces: false)
        try replaced.commit()
        #expect(FileManager.default.fileExists(atPath: output))
        #expect(throws: OutputExists.self) { _ = try ReplacedFolder(output, replaces: false) }
        _ = try ReplacedFolder(output, replaces: true)
    }

    @Test func `--force replaces a quantized model, and nothing else`() throws {
        // The folder of the images, a model in float32, and a file.
        try folder.write([1], to: "file")
        try folder.write(Array(TinyModel.checkpoint(classCount: 3, seed: 1)), to: "float32/model.safetensors")
        for output in [folder.path("data"), tiny.folder.path, folder.path("file"), folder.path("float32")] {
            #expect(throws: OutputHoldsOthers.self) { _ = try ReplacedFolder(output, replaces: true) }
            #expect(FileManager.default.fileExists(atPath: output))
        }
    }
}
