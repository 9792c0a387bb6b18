import ArgumentParser
import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing
import Training

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct TrainTests {
    private static let resuming =
        "--resume uses the options that the training was started with; it cannot be combined with "

    @Test(arguments: [
        (["--data", "d"], "Missing expected argument '--output <directory>'"),
        (["--data", "d", "--output", ""], "--output takes the path of a folder."),
        (["--output", "o"], "Missing --data, the images to train on; see alexnet train --help."),
        (["--data", "d", "--output", "o", "--epochs", "0"], "--epochs takes 1 to 1000000, not 0."),
        (["--data", "d", "--output", "o", "--epochs", "1000001"], "--epochs takes 1 to 1000000, not 1000001."),
        (["--data", "d", "--output", "o", "--batch-size", "0"], "--batch-size takes 1 to 4096, not 0."),
        (["--data", "d", "--output", "o", "--batch-size", "4097"], "--batch-size takes 1 to 4096, not 4097."),
        (
            ["--data", "d", "--output", "o", "--lr=-1"],
            "the learning rate is -1.0, but a number above 0 and at most 1000.0 is expected."
        ),
        (
            ["--data", "d", "--output", "o", "--lr", "1000.1"],
            "the learning rate is 1000.1, but a number above 0 and at most 1000.0 is expected."
        ),
        (
            ["--data", "d", "--output", "o", "--momentum", "1"],
            "the momentum is 1.0, but a number from 0.0 to below 1.0 is expected."
        ),
        (["--data", "d", "--output", "o", "--weight-decay", "nan"], "the weight decay is nan, but"),
        (["--data", "d", "--output", "o", "--ema", "1"], "--ema takes a number from 0 to below 1, not 1.0."),
        (["--data", "d", "--output", "o", "--clip-norm", "0"], "--clip-norm takes a number above 0, not 0.0."),
        (["--data", "d", "--output", "o", "--patience", "1"], "--patience requires --schedule plateau."),
        (["--data", "d", "--output", "o", "--step-epochs", "1"], "--step-epochs requires --schedule step."),
        (
            ["--data", "d", "--output", "o", "--schedule", "step", "--step-epochs", "0"],
            "the number of epochs between the schedule's steps is 0, but"
        ),
        (
            ["--data", "d", "--output", "o", "--validation-split", "1"],
            "--validation-split takes a number above 0 and below 1, not 1.0."
        ),
        (
            ["--data", "d", "--output", "o", "--model", "alexnot"],
            "there is no architecture \"alexnot\"; those that can be trained are alexnet_half_width, alexnet,"
        ),
        (
            ["--data", "d", "--output", "o", "--from-scratch", "fc8"],
            "--from-scratch requires --init-from."
        ),
        (["--data", "d", "--output", "o", "--type", "float64"], "--type takes float32, float16 or bfloat16."),
        (["--data", "d", "--output", "o", "--save-every", "0"], "--save-every takes a number of minutes above 0."),
        (["--data", "d", "--output", "o", "--threads", "1025"], "--threads takes 1 to 1024, not 1025."),
        (["--resume", "--output", "o", "--lr", "1", "--seed", "2"], resuming + "--lr, --seed."),
        (["--resume", "--output", "o", "--type", "float16"], resuming + "--type."),
        (["--resume", "--output", "o", "--augmentation", "none"], resuming + "--augmentation."),
        (["--resume", "--output", "o", "--validation-split", "0.5"], resuming + "--validation-split."),
        (
            ["--resume", "--output", "o", "--force"],
            "--resume continues and --force starts over; give one of them."
        ),
    ])
    func `what makes no sense is refused with a sentence`(_ arguments: [String], _ sentence: String) {
        let error = #expect(throws: (any Error).self) { try Alexnet.parseAsRoot(["train"] + arguments) }
        if let error { #expect(Alexnet.message(for: error).contains(sentence)) }
    }

    @Test func `what a tutorial's reader writes is taken`() throws {
        for arguments in [
            [
                "--data", "flowers", "--output", "weights/flowers", "--epochs", "15", "--batch-size", "48", "--lr",
                "1e-3",
            ],
            ["--data", "d", "--output", "o", "--optimizer", "Nesterov", "--momentum", "0.9", "--lr", "1000"],
            ["--data", "d", "--output", "o", "--batch-size", "4096", "--epochs", "1000000", "--schedule", "cosine"],
            ["--data", "d", "--output", "o", "--learning-rate", "1e-3"],
            ["--resume", "--output", "weights/flowers/"],
            ["--resume", "--output", "o", "--data", "moved", "--epochs", "20", "--threads", "1"],
        ] {
            #expect(try Alexnet.parseAsRoot(["train"] + arguments) is Train)
        }
    }

    @Test func `lists of layers bear blanks and empty places`() {
        #expect(TrainingNetworkOptions.names(nil) == [])
        #expect(TrainingNetworkOptions.names("features.0") == ["features.0"])
        #expect(TrainingNetworkOptions.names(" features.0 , features.3,,") == ["features.0", "features.3"])
    }

    @Test(arguments: [
        (
            OptimizerSettings.Kind.adam, 1e-3,
            "The learning rate may be too high: start over with --force and --lr 0.0002"
        ),
        (
            .adam, 1e-6,
            "The learning rate may be too low: start over with --force and --lr 0.0002 (now 1e-06)"
        ),
        (.adam, 2e-4, "More epochs may help (--resume --epochs), or start over with --force and --lr 5e-05"),
        (
            .momentum, 2e-4,
            "A higher learning rate may help: start over with --force and --optimizer adam, or --lr 0.002"
        ),
    ])
    func `where nothing is learnt, the advice is the other way from where the rate is off`(
        _ kind: OptimizerSettings.Kind, _ rate: Double, _ beginning: String
    ) {
        #expect(LearningAdvice(kind, rate: rate, usual: 2e-4).text.hasPrefix(beginning))
    }

    @Test(arguments: [
        ("weights/flowers", "weights/flowers"), ("my flowers", "'my flowers'"), ("it's", #"'it'\''s'"#),
        ("~/x", "'~/x'"), ("blüten", "'blüten'"), ("$HOME", "'$HOME'"),
    ])
    func `a path in an advice can be pasted into a shell`(_ word: String, _ expected: String) {
        #expect(Train.quoted(word) == expected)
    }
}

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
