import Foundation
import Inference
import Synchronization

/// The statistics of every model version that is served or was served lately.
public final class InferenceStatistics: Sendable {
    private struct Entry {
        let version: String
        var statistics = ModelStatistics()
    }

    /// Requests finish on the version that they began with, so one or two old versions may still count after a reload.
    private static let versionLimit = 4

    private let models = Mutex<[String: [Entry]]>([:])

    init() {}

    /// A request was answered with its predictions.
    ///
    /// - Parameters:
    ///   - output: the time that writing the answer took.
    ///   - total: from the end of the request's content to its answer.
    func answered(by model: Model, _ report: PredictionReport, output: Duration, total: Duration) {
        let now = Int(Date().timeIntervalSince1970 * 1000)
        change(model) { statistics in
            statistics.success.add(total)
            statistics.queue.add(report.queueWait)
            statistics.input.add(report.decoding)
            statistics.inference.add(report.inference)
            statistics.output.add(output)
            statistics.imageCount += report.predictions.count { (try? $0.get()) != nil }
            statistics.lastInference = now
        }
    }

    /// A valid request was not answered with predictions.
    func failed(by model: Model, total: Duration) { change(model) { $0.failure.add(total) } }

    /// A batch went through the network.
    func ran(by model: Model, imageCount: Int, _ duration: Duration) {
        change(model) { $0.batches[imageCount, default: .init()].add(duration) }
    }

    /// The statistics of a version; zero where it has had no request.
    func statistics(of model: Model) -> ModelStatistics {
        models.withLock { $0[model.name]?.first { $0.version == model.version }?.statistics } ?? ModelStatistics()
    }

    /// Forgets a model that is gone.
    func remove(model name: String) { models.withLock { $0[name] = nil } }

    private func change(_ model: Model, _ edit: (inout ModelStatistics) -> Void) {
        models.withLock { models in
            var entries = models[model.name] ?? []
            models[model.name] = nil
            if let index = entries.firstIndex(where: { $0.version == model.version }) {
                edit(&entries[index].statistics)
            } else {
                var entry = Entry(version: model.version)
                edit(&entry.statistics)
                entries = entries.suffix(Self.versionLimit - 1) + [entry]
            }
            models[model.name] = entries
        }
    }
}

/// The requests of one model version since it was loaded: how they ended, and the time that they took.
struct ModelStatistics: Sendable, Equatable {
    /// A count of durations, and their sum.
    struct Tally: Sendable, Equatable {
        private(set) var count = 0
        private(set) var total = Duration.zero

        mutating func add(_ duration: Duration) {
            count += 1
            total += duration
        }
    }

    /// Requests that were answered: from the end of their content to the answer.
    var success = Tally()
    /// Requests that failed because of their images, the queue or the deadline: from the end of their content to the
    /// answer.
    var failure = Tally()
    /// The time that an answered request waited for the network, once it was decoded.
    var queue = Tally()
    /// The time that it took to decode and preprocess an answered request's images.
    var input = Tally()
    /// The time that an answered request's batch took in the network.
    var inference = Tally()
    /// The time that it took to write an answer.
    var output = Tally()
    /// Forward passes, by the size of the batch.
    var batches: [Int: Tally] = [:]
    /// Images that were answered.
    var imageCount = 0
    /// When the last request was answered. Units: milliseconds since 1970; 0 before the first.
    var lastInference = 0

    /// Forward passes of all sizes.
    var batchCount: Int { batches.values.reduce(0) { $0 + $1.count } }
}
