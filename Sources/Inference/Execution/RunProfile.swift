import Synchronization

/// The measured times of one run of a network, step by step.
public struct RunProfile: Sendable {
    /// One layer with what is fused into it.
    public struct Step: Sendable {
        /// The layer's name, as `features.0`.
        public let node: String
        /// The name of the algorithm that computed it, as `im2row`.
        public let algorithm: String
        /// The multiply-adds of the whole batch by the layer's definition, whatever the algorithm really does.
        public let multiplyAddCount: Int
        /// The time of all runs of the step together. Where each thread runs images of its own, the mean over the
        /// threads.
        public let duration: Duration
    }

    /// How many images the batch had.
    public let batchSize: Int
    /// The steps, in the network's order; fused layers and views have none.
    public let steps: [Step]

    /// The time of all steps together.
    public var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}

/// Sums the durations of a run's steps over its threads.
final class ProfileRecorder: Sendable {
    private struct Entry {
        let node: String
        let algorithm: String
        var multiplyAddCount = 0
        var duration = Duration.zero
    }

    private let entries = Mutex<[Entry]>([])
    private let order: [String: Int]

    /// - Parameter nodes: the names of a network's nodes, in the order in which they run.
    init(nodes: [String]) {
        order = Dictionary(zip(nodes, nodes.indices)) { first, _ in first }
    }

    /// Adds one run of a step.
    ///
    /// - Parameter threadCount: how many threads run the step at the same time, each on images of its own.
    func record(_ step: Plan.Step, duration: Duration, batchSize: Int, threadCount: Int) {
        entries.withLock { entries in
            let index =
                entries.firstIndex { $0.node == step.node && $0.algorithm == step.operation.name }
                ?? {
                    entries.append(Entry(node: step.node, algorithm: step.operation.name))
                    return entries.count - 1
                }()
            entries[index].multiplyAddCount += step.operation.multiplyAddCount * batchSize
            entries[index].duration += duration / threadCount
        }
    }

    /// The sums, in the network's order.
    func profile(batchSize: Int) -> RunProfile {
        entries.withLock { entries in
            let sorted = entries.sorted { (order[$0.node] ?? 0) < (order[$1.node] ?? 0) }
            return RunProfile(
                batchSize: batchSize,
                steps: sorted.map { entry in
                    RunProfile.Step(
                        node: entry.node, algorithm: entry.algorithm, multiplyAddCount: entry.multiplyAddCount,
                        duration: entry.duration)
                })
        }
    }
}
