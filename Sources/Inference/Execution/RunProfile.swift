import Synchronization

/// What one run of a network took, step by step.
public struct RunProfile: Sendable {
    /// One operation's share.
    public struct Step: Sendable {
        /// The layer's name.
        public let node: String
        /// The operation's name.
        public let algorithm: String
        /// Of the whole batch, by the layer's definition.
        public let multiplyAddCount: Int
        /// All of its runs together; where threads take images of their own, divided by the threads.
        public let duration: Duration
    }

    public let batchSize: Int
    public let steps: [Step]

    /// All steps together.
    public var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}

/// Adds up what the steps of a run took, on whichever threads.
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
    /// - Parameter threadCount: how many threads run it beside one another, each on images of its own.
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

    /// The steps in the network's order.
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
