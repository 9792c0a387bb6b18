import Synchronization

/// How long algorithms took on this machine: what the choice between them stands on.
///
/// Times belong to a layer's shape and not to its weights, so that a reload, and another model with such a layer, need no
/// measurement of their own.
public final class AlgorithmTimings: Sendable {
    /// Under what circumstances a layer runs.
    struct Condition: Hashable, Sendable {
        let batchSize: Int
        let threadCount: Int
    }

    /// What was measured.
    struct Entry: Hashable, Sendable, Codable {
        /// The layer's shape, as ``Layer/workload(for:)`` gives it.
        let workload: String
        let algorithm: String
        let batchSize: Int
        let threadCount: Int
        let seconds: Double
    }

    private struct Key: Hashable {
        let workload: String
        let condition: Condition
    }

    private let times = Mutex<[Key: [String: Double]]>([:])

    /// Times that were measured before.
    init(entries: [Entry] = []) {
        for entry in entries { record(entry) }
    }

    /// No times yet.
    public convenience init() { self.init(entries: []) }

    /// Adds what was measured, or replaces it.
    func record(_ entry: Entry) {
        let key = Key(
            workload: entry.workload,
            condition: Condition(batchSize: entry.batchSize, threadCount: entry.threadCount))
        times.withLock { $0[key, default: [:]][entry.algorithm] = entry.seconds }
    }

    /// Seconds by algorithm; nil where nothing was measured.
    func times(of workload: String, under condition: Condition) -> [String: Double]? {
        times.withLock { $0[Key(workload: workload, condition: condition)] }
    }

    /// Everything that was measured, in a steady order.
    var entries: [Entry] {
        times.withLock { times in
            times.flatMap { key, seconds in
                seconds.map {
                    Entry(
                        workload: key.workload, algorithm: $0.key, batchSize: key.condition.batchSize,
                        threadCount: key.condition.threadCount, seconds: $0.value)
                }
            }
        }
        .sorted {
            ($0.workload, $0.batchSize, $0.threadCount, $0.algorithm)
                < ($1.workload, $1.batchSize, $1.threadCount, $1.algorithm)
        }
    }
}
