import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Training

/// `alexnet train`: trains a network on labelled images and writes a servable model.
struct Train: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a network on labelled images, from scratch or from a checkpoint.",
        discussion: """
            Writes a model folder: the best epoch's checkpoint, class_indices.json, model.json, history.csv and its plot, \
            history.svg. A server that watches the folder loads each new best model by itself.

              alexnet train --data flowers --output weights/flowers --epochs 15
              alexnet train --resume --output weights/flowers
              alexnet serve

            --data takes a folder with one folder for each class (or folders train and val with one for each class in both), \
            fashion-mnist:DIR, mnist:DIR, cifar10:DIR or cifar100:DIR. Ctrl-C stops after the current step. --resume \
            continues from there, or after a crash from the last state that was written; the result is the same bit for bit.

            To fine-tune, start from a checkpoint: --init-from alexnet.pth --from-scratch classifier.6 --freeze features.0. \
            If the checkpoint has other classes, the last layer is initialised anyway.
            """
    )

    @OptionGroup(title: "Data") var data: TrainingDataOptions
    @OptionGroup(title: "Network") var network: TrainingNetworkOptions
    @OptionGroup(title: "Learning") var learning: LearningOptions

    @Option(help: ArgumentHelp("The model folder to write.", valueName: "directory"))
    var output: String

    @Flag(help: "Continue the training in --output, with the options that it was started with.")
    var resume = false

    @Flag(help: "Start over if --output holds a model or a training already.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "The type of the checkpoint's numbers: float32, float16 or bfloat16 (default: float32).",
            valueName: "type"))
    var type: ScalarType?

    @Option(help: ArgumentHelp("How often the state is written within an epoch, in minutes.", valueName: "minutes"))
    var saveEvery = 10.0

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        guard !output.isEmpty else { throw ValidationError("--output takes the path of a folder.") }
        guard type != .float64 else { throw ValidationError("--type takes float32, float16 or bfloat16.") }
        guard saveEvery > 0, saveEvery <= 1e6 else {
            throw ValidationError("--save-every takes a number of minutes above 0.")
        }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
        if resume {
            let given = data.given + network.given + learning.given + (type == nil ? [] : ["--type"])
            guard given.isEmpty else {
                throw ValidationError(
                    "--resume uses the options that the training was started with; it cannot be combined with "
                        + given.joined(separator: ", ") + ".")
            }
            if force { throw ValidationError("--resume continues and --force starts over; give one of them.") }
        } else if data.data == nil {
            throw ValidationError("Missing --data, the images to train on; see alexnet train --help.")
        }
    }

    func run() async throws {
        // A closed pipe or a file size limit must not kill the training: the write fails and is reported.
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
            print("Done. Try it with: alexnet predict --model \(Self.quoted(output)) IMAGE")
        case .stopped:
            print("Stopped. Continue with: alexnet train --resume --output \(Self.quoted(output))")
            throw ExitCode(interruption.exitCode)
        }
    }

    /// Quotes a word for a shell.
    static func quoted(_ word: String) -> String {
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+=:,@%".contains($0)) }
        return isPlain ? word : "'" + word.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
    }
}

extension ScalarType: ExpressibleByArgument {}
