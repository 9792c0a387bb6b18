import ArgumentParser
import Foundation
import Host
import Inference
import Server

/// The command line: one file a subcommand.
struct Alexnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alexnet",
        abstract: "Puts an image classifier behind HTTP, on a CPU.",
        discussion: """
            Start a server on the models in weights/ and send it a picture:

              alexnet serve
              curl -F image=@docs/sneaker.png localhost:8080/predict

            Or ask for one picture without a server:

              alexnet predict docs/sneaker.png

            Where something is odd, ask first whether this machine and this configuration are fit to serve:

              alexnet doctor
            """,
        version: ServingService.version,
        subcommands: [
            Serve.self, Predict.self, Train.self, Evaluate.self, Inspect.self, Convert.self, Bench.self, Doctor.self,
        ]
    )

    /// Parses and runs a command; exits with 0, with 1 where the work failed, and with 2 where the command line is wrong.
    static func main() async {
        OutputStream.openMissingStreams()
        if let sentence = CommandHint.sentence(for: Array(CommandLine.arguments.dropFirst())) {
            OutputStream.error.writeIfPossible("Error: \(sentence)\n  See 'alexnet --help' for what there is.\n")
            Foundation.exit(Failure.usageCode)
        }
        do {
            try limitInstructions()
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            OutputStream.error.writeIfPossible(fullMessage(for: error) + "\n")
            Foundation.exit(Failure.usageCode)
        }
    }

    private static func limitInstructions() throws {
        do { try ComputeEnvironment.limitInstructions() } catch { throw Failure.usage(error) }
    }
}
