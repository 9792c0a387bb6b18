import ArgumentParser
import Foundation
import Host
import Inference
import Server

/// The command `alexnet` with its subcommands, which are in `Commands`.
struct Alexnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alexnet",
        abstract: "Serve an image classifier over HTTP, on a CPU.",
        discussion: """
            Start a server for the models in weights/ and send it an image:

              alexnet serve
              curl -F image=@docs/dress.jpg localhost:8080/predict

            Or classify an image without a server:

              alexnet predict docs/dress.jpg

            If something goes wrong, check the machine and the configuration first:

              alexnet doctor
            """,
        version: Version.current,
        subcommands: [
            Serve.self, Predict.self, Train.self, Evaluate.self, Inspect.self, Convert.self, Quantize.self,
            Bench.self, Doctor.self, Run.self, List.self, Processes.self, Stop.self, Health.self,
        ]
    )

    /// Parses and runs a command. Exits with 0, with 1 if the work failed, and with 2 if the command line is wrong.
    static func main() async {
        OutputStream.openMissingStreams()
        if let sentence = CommandHint.sentence(for: Array(CommandLine.arguments.dropFirst())) {
            OutputStream.error.writeIfPossible("Error: \(sentence)\n  See 'alexnet --help' for all subcommands.\n")
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
