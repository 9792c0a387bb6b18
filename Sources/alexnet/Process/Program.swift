import ArgumentParser
import Dispatch
import Foundation
import Inference

/// The entry point of the program, which needs no second thread.
///
/// An asynchronous `main` runs on one of Dispatch's threads, and would wait forever if the system does not allow it.
@main
enum Program {
    static func main() {
        // Swift reads the command line from /proc/self/cmdline. Without it every command would print the help.
        guard !CommandLine.arguments.isEmpty else {
            OutputStream.error.writeIfPossible(
                "alexnet: /proc is not mounted, so the command line cannot be read; mount it: mount -t proc proc /proc\n"
            )
            exit(Failure.workCode)
        }
        do throws(ThreadSupply.Shortage) {
            try ThreadSupply.check(ThreadSupply.least)
        } catch {
            // `doctor` reports the shortage as a finding.
            if CommandLine.arguments.dropFirst().first == Doctor._commandName {
                let finding = ThreadSupplyCheck(shortage: error, wanted: ThreadSupply.least).finding
                let isJSON = CommandLine.arguments.contains("--json")
                try? OutputStream.output.write((isJSON ? finding.json : finding.line) + "\n")
            } else {
                OutputStream.error.writeIfPossible("alexnet: \(error)\n")
            }
            exit(Failure.workCode)
        }
        // No other thread may run while this changes the environment.
        OpenBLASKernels.chooseForThisCPU()
        Task.detached {
            await Alexnet.main()
            exit(0)
        }
        dispatchMain()
    }
}

/// Exit codes of failed commands, which print one sentence to standard error.
enum Failure {
    /// The exit code for an invalid command line or configuration.
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
