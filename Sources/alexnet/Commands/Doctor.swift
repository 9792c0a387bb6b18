import ArgumentParser
import Foundation
import Inference
import Server

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

    /// How the command ends: with 1 if something failed, whatever the warnings.
    static func exitCode(for findings: [Finding]) -> ExitCode? {
        findings.contains { $0.status == .failed } ? ExitCode(Failure.workCode) : nil
    }
}

/// Gathers the facts, one check after the other, and tells each finding as soon as there is one.
struct Diagnostics {
    /// As for ``Settings/load(file:environment:flags:)``.
    let config: String?
    let flags: [String: String]
    /// A model that is served alone; nil for the folders of the configuration.
    let files: ModelFiles?
    /// That of all models; nil leaves it to each `model.json` and the configuration.
    var precision: Precision?
    let environment: [String: String]

    func callAsFunction(_ tell: (Finding) throws -> Void) throws {
        try tell(ProcessorCheck.here.finding)
        try tell(OpenBLASCheck(environment: environment).finding)
        try tell(HugePagesCheck.here.finding)
        try tell(ClockCheck(now: Date()).finding)
        let supply = ThreadSupplyCheck.here(forPoolOf: CPUQuota.current)
        try tell(supply.finding)
        // What follows computes, and would wait for ever for threads that do not come.
        if supply.shortage != nil { return }
        for instructions in InstructionSet.allCases.prefix(through: InstructionSet.widest) {
            try tell(ArithmeticCheck.trial(instructions).finding)
        }
        for image in SampleImage.all { try tell(CodecCheck(image).finding) }

        // What depends on the configuration cannot be told without one.
        let configuration = ConfigurationCheck(file: config, environment: environment, flags: flags)
        try tell(configuration.finding)
        guard case .success(let settings) = configuration.result else { return }
        try tell(ThreadsCheck.here(settings).finding)
        try tell(OpenFilesCheck.here(settings).finding)
        try tell(PortCheck(settings).finding)
        try tell(TuningCacheCheck.here(settings, environment: environment).finding)
        if let path = settings.admin.tokenFile { try tell(AdminTokenCheck(path: path).finding) }
        try tellModels(settings, tell)
    }

    private func tellModels(_ settings: Settings, _ tell: (Finding) throws -> Void) throws {
        let folder = ModelFolderCheck.here(settings, files: files)
        try tell(folder.finding)
        let models = folder.models
        guard !models.isEmpty else { return }
        try tell(MemoryCheck.here(settings, models: models).finding)
        let workers = WorkerPool(threadCount: settings.threads.total ?? CPUQuota.current)
        let loader = ModelLoader(
            workers: workers, defaultPrecision: settings.models.precision, precision: precision)
        for model in models { try tell(ModelCheck.load(model, by: loader).finding) }
    }
}

extension [InstructionSet] {
    /// The sets up to one, which each wider one holds.
    fileprivate func prefix(through last: InstructionSet) -> ArraySlice<InstructionSet> {
        prefix((firstIndex(of: last) ?? 0) + 1)
    }
}
