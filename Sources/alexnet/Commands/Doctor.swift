import ArgumentParser
import Foundation

/// `alexnet doctor`: whether this machine and this configuration are fit to serve, and what to do about what is not.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether this machine and this configuration are fit to serve.",
        discussion: """
            Takes the flags of alexnet serve. One line for each thing that was looked at: ok, warning or failed, and for the \
            last two what to do next; with --json one object a line. Changes nothing, and ends with 1 if something failed.
            """
    )

    @OptionGroup var options: ServingOptions

    @Flag(help: "One line of JSON a finding.")
    var json = false

    func run() throws {
        // Standard output that nobody reads any more is an error, not the end.
        signal(SIGPIPE, SIG_IGN)
        let examination = Examination(
            config: options.config, flags: options.flags, files: options.source.files,
            precision: options.source.precision,
            environment: ProcessInfo.processInfo.environment)
        var findings: [Finding] = []
        do {
            try examination { finding in
                findings.append(finding)
                try OutputStream.output.write((json ? finding.json : finding.line) + "\n")
            }
        } catch {
            throw Failure.work(error)
        }
        if let code = Self.exitCode(for: findings) { throw code }
    }

    /// How the command ends: with 1 if something failed, whatever the warnings.
    static func exitCode(for findings: [Finding]) -> ExitCode? {
        findings.contains { $0.status == .failed } ? ExitCode(Failure.workCode) : nil
    }
}
