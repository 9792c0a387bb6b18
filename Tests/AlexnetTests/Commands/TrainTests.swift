import ArgumentParser
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
