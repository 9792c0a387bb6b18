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
