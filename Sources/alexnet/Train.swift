import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Training

/// `alexnet train`: from pictures to a servable model.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network on labelled pictures, from nothing or from a checkpoint.",
        discussion: """
            Fills a model folder: the best epoch's checkpoint, class_indices.json, model.json, and history.csv with its curve, \
            history.svg. A server that watches the folder loads each new best by itself.

              alexnet train --data flowers --output weights/flowers --epochs 15
              alexnet train --resume --output weights/flowers
              alexnet serve

            --data takes a folder with one folder a class (or train and val with those inside), fashion-mnist:DIR, mnist:DIR, \
            cifar10:DIR or cifar100:DIR. Ctrl-C ends after the step in hand; --resume goes on from there, or from the \
            last state that was written before a crash, as if nothing had happened.

            To fine-tune, begin with a checkpoint: --init-from alexnet.pth --from-scratch classifier.6 --freeze features.0. \
            Where the class counts differ, the last layer begins anew by itself.
            """
    )

    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Network") var network: TrainingNetworkOptions
    @OptionGroup(title: "Learning") var learning: LearningOptions

    @Option(help: ArgumentHelp("The model folder to fill.", valueName: "directory"))
    var output: String

    @Flag(help: "Go on with the training in --output; what else it was started with is known there.")
    var resume = false

    @Flag(help: "Begin anew where --output holds a model or a training already.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "How the checkpoint's numbers are written: float32, float16 or bfloat16 (default: float32).",
            valueName: "type"))
    var type: ScalarType?

    @Option(help: ArgumentHelp("How often the state is written within an epoch.", valueName: "minutes"))
    var saveEvery = 10.0

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output takes the path of a folder.") }
        guard type != .float64 else { throw ValidationError("--type takes float32, float16 or bfloat16.") }
        guard saveEvery > 0, saveEvery <= 1e6 else { throw ValidationError("--save-every takes minutes above 0.") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
        if resume {
            let given = data.given + network.given + learning.given + (type == nil ? [] : ["--type"])
            guard given.isEmpty else {
                throw ValidationError(
                    "--resume goes on with what the training was started with, so it does not go with "
                        + given.joined(separator: ", ") + ".")
            }
            if force { throw ValidationError("--resume goes on where --force would begin anew; give one of them.") }
        } else if data.data == nil {
            throw ValidationError("--data says where the pictures are; see alexnet train --help.")
        }
    }

    func run() async throws {
        // A reader that has gone must not end a training, nor a file that may not grow: writing fails, and says so.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        ComputeEnvironment.warnings.forEach { OutputStream.error.writeIfPossible("alexnet: \($0)\n") }
        let interruption = Interruption()
        do {
            let workers = try CommandThreads.pool(threads)
            let task = resume ? try TrainingTask.resuming(self, workers) : try TrainingTask.beginning(self, workers)
            task.describe()
            let outcome = await workers.perform { task.run(saveInterval: .seconds(60 * saveEvery), interruption) }
            try finish(try outcome.get(), interruption)
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Failure.work(error)
        }
    }

    private func finish(_ outcome: Trainer.Outcome, _ interruption: Interruption) throws {
        switch outcome {
        case .finished:
            print("Done. Ask it with: alexnet predict --model \(Self.quoted(output)) PICTURE")
        case .stopped:
            print("Stopped. Go on with: alexnet train --resume --output \(Self.quoted(output))")
            throw ExitCode(interruption.exitCode)
        }
    }

    /// A word as a shell takes it.
    static func quoted(_ word: String) -> String {
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0)) }
        return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
    }
}

extension ScalarType: ExpressibleByArgument {}
