import Foundation
import Inference
import Synchronization

/// The statistics of every model version that serves or has served lately.
public final class InferenceStatistics: Sendable {
    private struct Entry {
        let version: String
        var statistics = ModelStatistics()
    }

    /// Requests finish on the version that they began with, so one or two old ones may still change after a reload.
    private static let versionLimit = 4

    private let models = Mutex<[String: [Entry]]>([:])

    init() {}

    /// A request was answered with its predictions.
    ///
    /// - Parameters:
    ///   - output: what writing the answer took.
    ///   - total: from a request whose content has been read to its answer.
    func answered(by model: Model, _ report: PredictionReport, output: Duration, total: Duration) {
        let now = Int(Date().timeIntervalSince1970 * 1000)
        change(model) { statistics in
            statistics.success.add(total)
            statistics.queue.add(report.queueWait)
            statistics.input.add(report.decoding)
            statistics.inference.add(report.inference)
            statistics.output.add(output)
            statistics.pictureCount += report.predictions.count { (try? $0.get()) != nil }
            statistics.lastInference = now
        }
    }

    /// A request whose content was in order had no prediction.
    func failed(by model: Model, total: Duration) { change(model) { $0.failure.add(total) } }

    /// A batch went through the network.
    func ran(by model: Model, pictureCount: Int, _ duration: Duration) {
        change(model) { $0.batches[pictureCount, default: .init()].add(duration) }
    }

    /// What is known of a version; nothing yet counts as zero.
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

/// What became of one model version's requests since it was loaded, and what they took.
struct ModelStatistics: Sendable, Equatable {
    /// How often something took time, and how much together.
    struct Tally: Sendable, Equatable {
        private(set) var count = 0
        private(set) var total = Duration.zero

        mutating func add(_ duration: Duration) {
            count += 1
            total += duration
        }
    }

    /// From a request whose content has been read to its answer; those that were answered.
    var success = Tally()
    /// The same of those that were not, because of their pictures, the queue or the deadline.
    var failure = Tally()
    /// What an answered request waited for the network once it was decoded.
    var queue = Tally()
    /// Decoding and preprocessing of an answered request's pictures.
    var input = Tally()
    /// What the batch of an answered request took in the network.
    var inference = Tally()
    /// Writing an answer.
    var output = Tally()
    /// The forward passes, by how many pictures they had.
    var batches: [Int: Tally] = [:]
    /// Pictures that were answered.
    var pictureCount = 0
    /// When the last request was answered. Units: milliseconds since 1970; 0 before the first.
    var lastInference = 0

    /// Forward passes of any size.
    var batchCount: Int { batches.values.reduce(0) { $0 + $1.count } }
}
