import Foundation

/// How the choice between algorithms comes about when a model is loaded.
public struct AlgorithmTuning: Sendable {
    /// What is known about this machine, for all models of the process.
    let timings: AlgorithmTimings
    /// How long a model's loading may measure what is not known. Units: of time.
    let limit: Duration
    /// Where the times outlive the process.
    let file: AlgorithmTimingFile?

    /// No measurement: the algorithms' own estimates decide.
    public static let estimated = AlgorithmTuning(limit: .zero, file: nil)

    /// With the user's cache folder, for programs without a configuration.
    public static func cached(limit: Duration, threadCount: Int) -> AlgorithmTuning {
        let directory = AlgorithmTimingFile.defaultDirectory(in: ProcessInfo.processInfo.environment)
        return AlgorithmTuning(
            limit: limit, file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: threadCount) })
    }

    /// Reads what an earlier process measured.
    ///
    /// - Parameter limit: with zero nothing more is measured.
    public init(limit: Duration, file: AlgorithmTimingFile?) {
        timings = AlgorithmTimings(entries: file?.read() ?? [])
        self.limit = limit
        self.file = file
    }

    /// Measures for an engine that has not run yet, and keeps the times.
    func callAsFunction(_ engine: Engine) {
        guard limit > .zero else { return }
        let known = timings.entries.count
        engine.measureAlgorithms(within: limit)
        if timings.entries.count != known { file?.write(timings.entries) }
    }
}
