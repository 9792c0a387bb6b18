import ArgumentParser
import Dispatch
import Foundation

/// The entry point, which needs no second thread.
///
/// An asynchronous `main` runs on a thread of Dispatch, and would wait for ever if the system does not allow one.
@main
enum Program {
    static func main() {
        do throws(ThreadSupply.Shortage) {
            try ThreadSupply.check(ThreadSupply.least)
        } catch {
            // `doctor` reports this as a finding.
            if CommandLine.arguments.dropFirst().first == Doctor._commandName {
                let finding = ThreadSupplyCheck(shortage: error, wanted: ThreadSupply.least).finding
                let isJSON = CommandLine.arguments.contains("--json")
                try? OutputStream.output.write((isJSON ? finding.json : finding.line) + "\n")
            } else {
                OutputStream.error.writeIfPossible("alexnet: \(error)\n")
            }
            exit(Failure.workCode)
        }
        Task.detached {
            await Alexnet.main()
            exit(0)
        }
        dispatchMain()
    }
}

/// The exit codes of a command that fails, after one sentence on standard error.
enum Failure {
    /// The exit code for a wrong command line or configuration.
    static let usageCode: Int32 = 2

    /// The exit code for work that failed.
    static let workCode: Int32 = 1

    /// How long a server waits for the reader of standard error before it exits.
    static let serverPatience = Duration.seconds(1)

    /// Prints the error and returns ``usageCode``.
    static func usage(_ error: any Error) -> ExitCode { report(error, code: usageCode) }

    /// Prints the error and returns ``workCode``.
    static func work(_ error: any Error) -> ExitCode { report(error, code: workCode) }

    private static func report(_ error: any Error, code: Int32) -> ExitCode {
        OutputStream.error.writeIfPossible("alexnet: \(error)\n")
        return ExitCode(code)
    }
}
