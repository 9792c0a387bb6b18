import Foundation
import Inference
import Threads

extension AlgorithmTuning {
    /// What the settings say about measuring algorithms, and what was measured before.
    init(_ settings: Settings, workers: WorkerPool) {
        let directory = settings.models.tuningDirectory(in: ProcessInfo.processInfo.environment)
        self.init(
            limit: settings.models.tuningLimit,
            file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: workers.threadCount) })
    }
}

extension Settings.Models {
    /// The folder that keeps what was measured; nil where none is named and there is no home.
    public func tuningDirectory(in environment: [String: String]) -> String? {
        tuningCache ?? AlgorithmTimingFile.defaultDirectory(in: environment)
    }
}
