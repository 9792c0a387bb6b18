import Foundation
import Inference

extension AlgorithmTuning {
    /// What the settings say about measuring algorithms, and what was measured before.
    init(_ settings: Settings, workers: WorkerPool) {
        let directory =
            settings.models.tuningCache
            ?? AlgorithmTimingFile.defaultDirectory(in: ProcessInfo.processInfo.environment)
        self.init(
            limit: settings.models.tuningLimit,
            file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: workers.threadCount) })
    }
}
