import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing

/// Trainings of a tiny network, from a checkpoint, by the built program.
@Suite(.timeLimit(.minutes(5))) struct TrainCommandTests {
    private let tiny: TinyModel
    private let folder: TemporaryFolder

    /// Three classes of four images of one pixel.
    init() throws {
        tiny = try TinyModel()
        folder = try TemporaryFolder()
        for label in 0..<3 {
            for index in 0..<4 {
                let image = PixelImage(
                    width: 1, height: 1, channelCount: 3, pixels: [UInt8(label * 100), UInt8(index * 60), 7])
                try folder.write(try PNGEncoder.encode(image), to: "data/class \(label)/\(index).png")
            }
        }
    }

    private var arguments: [String] {
        [
            "train", "--data", "data", "--output", "out/flowers", "--init-from", tiny.path("model.safetensors"),
            "--batch-size", "4", "--threads", "2",
        ]
    }

    private func run(_ arguments: [String]) async throws -> BuiltProgram.Run {
        try await BuiltProgram.run(arguments, in: folder.path(""))
    }

    private func lines(_ name: String) throws -> Int {
        try String(contentsOfFile: folder.path("out/flowers/" + name), encoding: .utf8).split(separator: "\n").count
    }

    @Test func `a training writes a servable model, is resumed, and can be evaluated`() async throws {
        let first = try await run(arguments + ["--epochs", "1"])
        #expect(first.code == 0, "\(first.error)")
        #expect(
            first.output.contains("; 9 training images, 3 validation images, 3 classes; adam, learning rate 0.0001"))
        #expect(first.output.contains("\nepoch   1/1  train loss "))
        #expect(first.output.hasSuffix("Done. Try it with: alexnet predict --model out/flowers IMAGE\n"))
        for name in [
            "flowers.pth", "class_indices.json", "model.json", "history.csv", "history.svg", "training.resume",
        ] {
            #expect(FileManager.default.fileExists(atPath: folder.path("out/flowers/" + name)), "\(name)")
        }
        #expect(try lines("history.csv") == 2)

        let again = try await run(arguments)
        #expect(again.code == 1)
        #expect(
            again.error
                == "alexnet: out/flowers/training.resume exists already: continue with --resume, start over with "
                + "--force, or name another --output\n")

        let resumed = try await run(["train", "--resume", "--output", "out/flowers", "--epochs", "2", "--threads", "1"])
        #expect(resumed.code == 0, "\(resumed.error)")
        #expect(resumed.output.contains("\nResumes in epoch 2 after step 0.\n"))
        #expect(try lines("history.csv") == 3)

        let evaluated = try await run(["evaluate", "--data", "data", "--model", "out/flowers"])
        #expect(evaluated.code == 0)
        #expect(evaluated.output.contains("images    3 that were held out of training\n"), "\(evaluated.output)")
        let predicted = try await run(["predict", "data/class 0/0.png", "--model", "out/flowers"])
        #expect(predicted.code == 0)
    }

    @Test func `Ctrl-C stops after a step with 130, and the training can be resumed`() async throws {
        let training = try RunningProgram(arguments + ["--epochs", "100000"], in: folder.path(""))
        try await eventually("the end of an epoch", within: .seconds(60)) { training.output.contains("\nepoch ") }
        training.send(SIGINT)
        let run = try await training.end()
        #expect(run.code == 130)
        #expect(run.error.contains("Stopping after this step; press Ctrl-C again to stop at once.\n"))
        #expect(run.output.hasSuffix("Stopped. Continue with: alexnet train --resume --output out/flowers\n"))
        let rows = try lines("history.csv")
        let resumed = try await self.run(["train", "--resume", "--output", "out/flowers", "--epochs", "1"])
        #expect(resumed.code == 0, "\(resumed.error)")
        #expect(resumed.output.contains("All 1 epochs are done; for more use --epochs."))
        #expect(try lines("history.csv") == rows)
    }

    @Test(
        arguments: [
            (["--data", "none"], 1, "none"), (["--data", "data", "--classes", "5"], 1, "the data have 3 classes"),
            (["--data", "data", "--freeze", "fc9"], 1, "there is no layer \"fc9\""),
            (["--resume"], 1, "nothing to resume"),
            (["--data", "data", "--epochs", "0"], 2, "--epochs takes 1 to 1000000, not 0."), ([], 2, "Missing --data"),
        ] as [([String], Int32, String)])
    func `a training that cannot start says why, and leaves nothing behind`(
        _ arguments: [String], _ code: Int32, _ excerpt: String
    ) async throws {
        let run = try await run(["train", "--output", "out/flowers", "--threads", "1"] + arguments)
        #expect(run.code == code)
        #expect(run.error.contains(excerpt), "\(run.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    }
}
