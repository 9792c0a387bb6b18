import ArgumentParser
import Dispatch
import Foundation

/// Where the process begins: before anything needs a thread.
///
/// An asynchronous `main` would run on one of Dispatch's threads, and wait for ever where the system gives none.
@main
enum Program {
    static func main() {
        do throws(ThreadSupply.Shortage) {
            try ThreadSupply.check(ThreadSupply.least)
        } catch {
            // A word to whoever asks what is wrong here, in the form in which it is asked for.
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

/// How a command that went wrong ends: one sentence on standard error, and an exit code that says whose fault it was.
enum Failure {
    /// The exit code of a command line or configuration that is wrong.
    static let usageCode: Int32 = 2

    /// The exit code of work that failed.
    static let workCode: Int32 = 1

    /// How long a server waits for whoever reads standard error before it ends without a word.
    static let serverPatience = Duration.seconds(1)

    /// 2: the command line or the configuration is wrong.
    static func usage(_ error: any Error) -> ExitCode { report(error, code: usageCode) }

    /// 1: the work failed.
    static func work(_ error: any Error) -> ExitCode { report(error, code: workCode) }

    private static func report(_ error: any Error, code: Int32) -> ExitCode {
        OutputStream.error.writeIfPossible("alexnet: \(error)\n")
        return ExitCode(code)
    }
}
