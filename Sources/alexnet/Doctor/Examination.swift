import Foundation
import Host
import Inference
import Server
import Threads

/// Gathers the facts, one check after the other, and tells each finding as soon as there is one.
struct Examination {
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
        for picture in BuiltInPicture.all { try tell(CodecCheck(picture).finding) }

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
