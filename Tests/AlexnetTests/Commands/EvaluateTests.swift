import Files
import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing
import Training

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct EvaluateTests {
    private let folder: TemporaryFolder
    private let tiny: TinyModel

    /// Four plain images a class, and one that is none.
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
        try Data("no image".utf8).write(to: URL(fileURLWithPath: folder.path("data/Class-1/broken.png")))
    }

    private var arguments: [String] { ["evaluate", "--data", folder.path("data"), "--model", tiny.folder.path] }

    @Test func `tables, JSON and SVG tell the same, and the image that is none is named`() async throws {
        let found = try await BuiltProgram.run(
            arguments + ["--json", folder.path("e.json"), "--svg", folder.path("e.svg"), "--mistakes", "3"])
        #expect(found.code == 0)
        #expect(found.output.contains("images    12, and 1 that could not be read\n"))
        #expect(found.output.contains("true, predicted"))
        #expect(found.error.hasPrefix("alexnet: left out: \(folder.path("data/Class-1/broken.png")): "))

        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("e.json")))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let confusion = try #require(json["confusion"] as? [[Int]])
        #expect(confusion.map { $0.reduce(0, +) } == [4, 4, 4])
        let correct = (0..<3).reduce(0) { $0 + confusion[$1][$1] }
        #expect(json["top1"] as? Double == Double(correct) / 12)
        #expect((json["mistakes"] as? [[String: Any]])?.count == min(3, 12 - correct))
        #expect((json["skipped"] as? [String])?.count == 1)
        #expect(try String(contentsOfFile: folder.path("e.svg"), encoding: .utf8).hasPrefix("<svg "))
    }

    @Test func `what the model's files leave open is told on standard error, by predict as well`() async throws {
        try tiny.remove("model.json")
        let predict = ["predict", folder.path("data/Class-0/0.png"), "--model", tiny.folder.path]
        for arguments in [arguments, predict] {
            let found = try await BuiltProgram.run(arguments)
            #expect(found.code == 0)
            #expect(found.error.contains(#"to settle it, add "input_size": 224, "padding": 2 (or what is right)"#))
            #expect(found.error.contains(#"add "preprocessing": "imagenet""#))
        }
        let inspected = try await BuiltProgram.run(["inspect", tiny.folder.path])
        #expect(inspected.output.contains("assumed        the first convolution is taken to have an input of 224×224"))
    }

    @Test func `files that are not read are named on standard error, and counted in the tables and in JSON`()
        async throws
    {
        for name in ["1.bmp", "2.bmp", "3.tif"] {
            try Data([1]).write(to: URL(fileURLWithPath: folder.path("data/Class-0/\(name)")))
        }
        let found = try await BuiltProgram.run(arguments + ["--json", folder.path("e.json")])
        #expect(found.code == 0)
        #expect(found.output.contains("\nleft out  3 files: 2 .bmp, 1 .tif\n"))
        #expect(
            found.error.contains(
                "alexnet: left out: 2 files .bmp: only JPEG, PNG and WebP are read, so convert them to include them: "
                    + "\(folder.path("data/Class-0/1.bmp")), \(folder.path("data/Class-0/2.bmp"))\n"))
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("e.json")))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let groups = try #require(json["left_out"] as? [[String: Any]])
        #expect(groups.map { $0["suffix"] as? String } == [".bmp", ".tif"])
        #expect(groups.map { $0["count"] as? Int } == [2, 1])
        #expect(groups.map { $0["reason"] as? String } == ["format", "format"])
        #expect(groups[1]["files"] as? [String] == [folder.path("data/Class-0/3.tif")])
    }

    @Test
    func
        `of the data that it was trained on, it measures what was held out and says so, and everything where asked to`()
        async throws
    {
        let parts = try DataSource(folder.path("data")).load(validationSplit: 0.4, seed: 5)
        try tiny.write(
            "model.json",
            """
            {"training": {"settings": {"data": "elsewhere", "data_digest": "\(parts.digest)", "validation_split": 0.4, "seed": 5}}}
            """)
        func measure(_ more: String...) async throws -> (subject: [String: Any], images: Int, error: String) {
            let found = try await BuiltProgram.run(arguments + ["--json", "-"] + more)
            #expect(found.code == 0)
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
            let skipped = (json["skipped"] as? [String])?.count ?? 0
            return (
                try #require(json["subject"] as? [String: Any]), (json["pictures"] as? Int ?? 0) + skipped, found.error
            )
        }
        let heldOut = try await measure()
        #expect(heldOut.images == parts.validation.count && heldOut.images < 13)
        #expect(heldOut.subject["origin"] as? String == "held_out")
        #expect(heldOut.subject["trained_on"] as? Int == 0)
        #expect(
            heldOut.error.hasPrefix("alexnet: The model was trained on \(parts.training.count) images of these data: "))
        let all = try await measure("--all")
        #expect(all.images == 13)
        #expect(all.subject["trained_on"] as? Int == parts.training.count)
        #expect(all.error.hasPrefix("alexnet: The model was trained on \(parts.training.count) of these 13 images: "))
        try FileManager.default.removeItem(atPath: folder.path("data/Class-0/0.png"))
        let other = try await measure()
        #expect(other.images == 12)
        #expect(other.subject["origin"] as? String == "unknown")
        #expect(other.subject["trained_on"] is NSNull)
    }

    @Test(arguments: ["--ten-crop", "--invert"])
    func `ten crops, inverted colours and a limit are what they say`(_ flag: String) async throws {
        let found = try await BuiltProgram.run(arguments + [flag, "--limit", "6", "--json", "-"])
        #expect(found.code == 0)
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
        let subject = try #require(json["subject"] as? [String: Any])
        #expect(subject["ten_crop"] as? Bool == (flag == "--ten-crop"))
        #expect(subject["inverted"] as? Bool == (flag == "--invert"))
        #expect((json["pictures"] as? Int ?? 0) + ((json["skipped"] as? [String])?.count ?? 0) == 6)
    }

    @Test func `data of another model, no data, and a place where nothing can be written are told before the work`()
        async throws
    {
        try FileManager.default.moveItem(atPath: folder.path("data/Class-2"), toPath: folder.path("data/shoe"))
        let other = try await BuiltProgram.run(arguments)
        #expect(other.code == 1)
        #expect(
            other.error
                == "alexnet: The data's class \"shoe\" is none of the model's: class 0, class 1, class 2.\n")
        let none = try await BuiltProgram.run(["evaluate", "--data", folder.path("none"), "--model", tiny.folder.path])
        #expect(none.code == 1)
        #expect(none.error.contains(folder.path("none")))
        let nowhere = try await BuiltProgram.run(arguments + ["--json", folder.path("none/e.json")])
        #expect(
            nowhere.error == "alexnet: \(folder.path("none/e.json")) cannot be written: No such file or directory.\n")
    }
}
