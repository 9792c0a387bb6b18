import Foundation
import ModelTestSupport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct BenchTests {
    private let tiny: TinyModel

    init() throws {
        tiny = try TinyModel()
        try tiny.write("model.json", #"{"architecture": "alexnet", "preprocessing": "imagenet"}"#)
    }

    private func bench(_ arguments: String...) async throws -> BuiltProgram.Run {
        try await BuiltProgram.run(
            ["bench", "--model", tiny.folder.path, "--batch", "1,2", "--threads", "1", "--seconds", "0.01"] + arguments)
    }

    private func rows(_ run: BuiltProgram.Run) throws -> [[String: Any]] {
        #expect(run.code == 0, "\(run.error)")
        return try run.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func `each batch size has a row`() async throws {
        let run = try await bench()
        #expect(run.code == 0)
        let lines = run.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines[0] == "tiny (alexnet, float32), 1 threads")
        #expect(lines[1].hasPrefix("batch    1 ") && lines[2].hasPrefix("batch    2 "))

        let rows = try rows(try await bench("--json"))
        #expect(rows.map { $0["batch"] as? Int } == [1, 2])
        for row in rows {
            #expect(Set(row.keys) == ["model", "precision", "threads", "batch", "images_per_second", "milliseconds"])
            #expect(try #require(row["milliseconds"] as? Double) > 0)
        }
    }

    @Test func `each layer has a row with its algorithm`() async throws {
        let rows = try rows(try await bench("--json", "--layers"))
        let layers = rows.filter { $0["layer"] != nil }
        #expect(layers.count == rows.count - 2)
        #expect(layers.contains { $0["layer"] as? String == "features.0" })
        for layer in layers {
            let keys: Set = ["batch", "layer", "algorithm", "milliseconds", "gigaflops", "share"]
            // Pooling and the like neither multiply nor read weights.
            let multiplies = try #require(layer["gigaflops"] as? Double) > 0
            #expect(Set(layer.keys) == (multiplies ? keys.union(["bound", "bound_share"]) : keys))
            guard multiplies else { continue }
            #expect(["arithmetic", "memory"].contains(layer["bound"] as? String))
            #expect(try #require(layer["bound_share"] as? Double) > 0)
        }
        let text = try await bench("--layers")
        let lines = text.output.split(separator: "\n")
        #expect(lines[1].contains(/^limits: \d+ GFLOP\/s in float32, \d+ GOP\/s in int8, \d+ GB\/s from memory$/))
        #expect(lines.contains { $0.contains(/features\.0 .* GFLOP\/s .* % of (arithmetic|memory)$/) })
    }

    @Test func `training steps are measured`() async throws {
        let rows = try rows(try await bench("--json", "--training"))
        #expect(rows.map { $0["batch"] as? Int } == [1, 2])
        #expect(rows.allSatisfy { $0["training"] as? Bool == true })
    }

    @Test func `decoding and preprocessing of an image are measured`() async throws {
        let folder = try TemporaryFolder()
        try folder.write(TestPicture.png, to: "a.png")
        let rows = try rows(try await bench("--json", "--picture", folder.path("a.png")))
        #expect(rows.count == 1)
        #expect(
            Set(rows[0].keys) == [
                "picture", "decode", "milliseconds", "decode_milliseconds", "preprocess_milliseconds",
            ])
        #expect(rows[0]["picture"] as? String == folder.path("a.png"))
        let missing = try await bench("--picture", folder.path("none.png"))
        #expect(missing.code == 1)
        #expect(missing.error == "alexnet: It cannot be read: No such file or directory.\n")
    }

    @Test func `a wrong command line ends with 2`() async throws {
        let run = try await BuiltProgram.run(["bench", "--layers", "--picture", "a.png"])
        #expect(run.code == 2)
        #expect(run.error.contains("--layers cannot be combined with --picture"))
    }
}
