import Synchronization

/// The measured durations of one run of a network, step by step.
public struct RunProfile: Sendable {
    /// One layer, with the layers that are fused into it.
    public struct Step: Sendable {
        /// The layer's name, such as `features.0`.
        public let node: String
        /// The name of the algorithm, such as `im2row`.
        public let algorithm: String
        /// The number of multiply-adds for the whole batch by the layer's definition, whatever the algorithm performs.
        public let multiplyAddCount: Int
        /// The number of multiply-adds that the algorithm performed, without those of its transforms.
        public let performedMultiplyAddCount: Int
        /// What kind of numbers they multiply.
        public let productType: ProductType
        /// The weights that the step's runs read. Units: bytes.
        public let weightByteCount: Int
        /// The total duration of the step's runs. If each thread runs its own images, the mean over the threads.
        public let duration: Duration

        /// What limits a step on this machine, and how near it comes.
        public struct Bound: Sendable, Hashable {
            /// Arithmetic or memory, whichever takes longer.
            public enum Limit: String, Sendable {
                /// The multiply-adds that the algorithm performs.
                case arithmetic
                /// Reading the weights from memory.
                case memory
            }

            /// What takes longer.
            public let limit: Limit
            /// The share of the step's duration that it takes at least: 1 is the limit. It may be exceeded where a
            /// cache holds weights.
            public let share: Double
        }

        /// The step's bound by the roofline model; nil if it neither multiplies nor reads weights.
        ///
        /// The values between layers are left out: they stay in the caches.
        public func bound(on rates: MachineSpeed.Rates) -> Bound? {
            let arithmetic = 2 * Double(performedMultiplyAddCount) / rates.operationsPerSecond(productType)
            let memory = Double(weightByteCount) / rates.bytesPerSecond
            guard max(arithmetic, memory) > 0, duration > .zero else { return nil }
            return Bound(
                limit: arithmetic >= memory ? .arithmetic : .memory,
                share: max(arithmetic, memory) / (duration / .seconds(1)))
        }
    }

    /// The number of images in the batch.
    public let batchSize: Int
    /// The steps in the network's order. Fused layers and views have no step.
    public let steps: [Step]

    /// The total duration of all steps.
    public var duration: Duration { steps.reduce(.zero) { $0 + $1.duration } }
}

/// Collects the durations of a run's steps from all threads.
final class ProfileRecorder: Sendable {
    private struct Entry {
        let node: String
        let algorithm: String
        let productType: ProductType
        var multiplyAddCount = 0
        var performedMultiplyAddCount = 0
        var weightByteCount = 0
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
    /// - Parameter threadCount: the number of threads that run the step at the same time, each on its own images.
    func record(_ step: Plan.Step, duration: Duration, batchSize: Int, threadCount: Int) {
        entries.withLock { entries in
            let index =
                entries.firstIndex { $0.node == step.node && $0.algorithm == step.operation.name }
                ?? {
                    entries.append(
                        Entry(
                            node: step.node, algorithm: step.operation.name,
                            productType: step.operation.productType))
                    return entries.count - 1
                }()
            entries[index].multiplyAddCount += step.operation.multiplyAddCount * batchSize
            entries[index].performedMultiplyAddCount += step.operation.performedMultiplyAddCount * batchSize
            entries[index].weightByteCount += step.operation.readWeightByteCount
            entries[index].duration += duration / threadCount
        }
    }

    /// The profile of all recorded steps, in the network's order.
    func profile(batchSize: Int) -> RunProfile {
        entries.withLock { entries in
            let sorted = entries.sorted { (order[$0.node] ?? 0) < (order[$1.node] ?? 0) }
            return RunProfile(
                batchSize: batchSize,
                steps: sorted.map { entry in
                    RunProfile.Step(
                        node: entry.node, algorithm: entry.algorithm, multiplyAddCount: entry.multiplyAddCount,
                        performedMultiplyAddCount: entry.performedMultiplyAddCount,
                        productType: entry.productType,
                        weightByteCount: entry.weightByteCount,
                        duration: entry.duration)
                })
        }
    }
}

/// Copies the inputs of some steps while one image runs.
final class ValueRecorder: Sendable {
    private let counts: [String: Int]
    private let recorded = Mutex<[String: [Float]]>([:])

    /// - Parameter counts: the sizes of the inputs to copy, by the names of their layers. Units: values.
    init(counts: [String: Int]) { self.counts = counts }

    /// The inputs by the names of their layers. Shape: `[H, W, C]` or `[F]` each.
    var inputs: [String: [Float]] { recorded.withLock(\.self) }

    /// Copies the first input of a step that is about to run.
    func record(_ step: Plan.Step, _ run: OperationRun) {
        guard let count = counts[step.node] else { return }
        let values =
            switch run.inputFormat() {
            case .float32: Array(UnsafeBufferPointer(start: run.input(), count: count))
            case .bytes(let quantization):
                UnsafeBufferPointer(start: run.inputBytes(), count: count).map(quantization.value)
            }
        recorded.withLock { $0[step.node] = values }
    }
}
