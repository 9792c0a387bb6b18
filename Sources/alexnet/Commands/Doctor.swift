import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Threads

/// `alexnet doctor`: checks whether this machine and configuration can serve, and says how to fix what is wrong.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check whether this machine and this configuration can serve.",
        discussion: """
            Takes the flags of alexnet serve. Prints one line for each check: ok, warning or failed, and for the last two \
            what to do; with --json one JSON object a line. Changes nothing. Exits with 1 if a check failed.
            """
    )

    @OptionGroup var options: ServingOptions

    @Flag(help: "Print one JSON object for each check.")
    var json = false

    func run() throws {
        // If standard output is closed, the write fails and is reported; the signal would kill the process.
        signal(SIGPIPE, SIG_IGN)
        let examination = Diagnostics(
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

    /// The exit code: 1 if a check failed, else nil. Warnings do not count.
    static func exitCode(for findings: [Finding]) -> ExitCode? {
        findings.contains { $0.status == .failed } ? ExitCode(Failure.workCode) : nil
    }
}

/// Runs all checks in order, and reports each finding immediately.
struct Diagnostics {
    /// The configuration file, see ``Settings/load(file:environment:flags:)``.
    let config: String?
    /// The command-line flags, by configuration key.
    let flags: [String: String]
    /// The files of a single model to serve; nil for the folders in the configuration.
    let files: ModelFiles?
    /// The precision of all models; nil to use that in each `model.json` or in the configuration.
    var precision: Precision?
    /// The environment variables.
    let environment: [String: String]

    /// Runs the checks and passes each finding to `report`.
    func callAsFunction(_ report: (Finding) throws -> Void) throws {
        try report(ProcessorCheck.here.finding)
        try report(OpenBLASCheck.here(environment).finding)
        try report(HugePagesCheck.here.finding)
        try report(ClockCheck(now: Date()).finding)
        let supply = ThreadSupplyCheck.here(forPoolOf: CPUQuota.current)
        try report(supply.finding)
        // The next checks compute. Without threads they would wait forever.
        if supply.shortage != nil { return }
        for instructions in InstructionSet.allCases.prefix(through: InstructionSet.widest) {
            try report(ArithmeticCheck.trial(instructions).finding)
        }
        let workers = WorkerPool(threadCount: CPUQuota.current)
        try report(SpeedCheck(speed: .measured(on: workers), threadCount: workers.threadCount).finding)
        for image in SampleImage.all { try report(CodecCheck(image).finding) }

        // The rest depends on the configuration.
        let configuration = ConfigurationCheck(file: config, environment: environment, flags: flags)
        try report(configuration.finding)
        guard case .success(let settings) = configuration.result else { return }
        try report(ThreadsCheck.here(settings).finding)
        try report(OpenFilesCheck.here(settings).finding)
        try report(PortCheck(settings).finding)
        try report(TuningCacheCheck.here(settings, environment: environment).finding)
        if let path = settings.admin.tokenFile { try report(AdminTokenCheck(path: path).finding) }
        try checkModels(settings, report)
    }

    private func checkModels(_ settings: Settings, _ report: (Finding) throws -> Void) throws {
        let folder = ModelFolderCheck.here(settings, files: files)
        try report(folder.finding)
        let models = folder.models
        guard !models.isEmpty else { return }
        try report(MemoryCheck.here(settings, models: models).finding)
        let workers = WorkerPool(threadCount: settings.threads.total ?? CPUQuota.current)
        let loader = ModelLoader(
            workers: workers, defaultPrecision: settings.models.precision, precision: precision)
        for model in models { try report(ModelCheck.load(model, by: loader).finding) }
    }
}

extension [InstructionSet] {
    /// The instruction sets up to and including `last`.
    fileprivate func prefix(through last: InstructionSet) -> ArraySlice<InstructionSet> {
        prefix((firstIndex(of: last) ?? 0) + 1)
    }
}
