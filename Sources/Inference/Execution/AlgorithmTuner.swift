import CKernels

/// Measures the algorithms of a layer, to choose between them.
///
/// Before each run the caches are filled with other data: between two runs of a layer the whole network passes, and with few
/// images most of a layer's time may go into fetching its weights.
struct AlgorithmTuner {
    /// More than the last-level cache that two cores share on most machines. Units: bytes.
    private static let otherByteCount = 48 << 20
    private static let runCount = 3
    /// An algorithm whose estimate is so many times the lowest one is not measured.
    private static let hopeless = 4.0

    private let workers: WorkerPool
    private let deadline: ContinuousClock.Instant
    private let other = AlignedBuffer(byteCount: Self.otherByteCount)

    /// A tuner that begins no measurement behind its deadline.
    init(workers: WorkerPool, deadline: ContinuousClock.Instant) {
        self.workers = workers
        self.deadline = deadline
        other.bytes.initializeMemory(as: UInt8.self, repeating: 1)
    }

    /// The times of those algorithms that may win; nil where the time is up before all of them were measured.
    func measure(
        _ algorithms: [Algorithm], inputCount: Int, outputCount: Int, under condition: AlgorithmTimings.Condition
    ) -> [String: Double]? {
        let lowest = algorithms.map(\.cost).min() ?? 0
        var seconds: [String: Double] = [:]
        for algorithm in algorithms where algorithm.cost <= Self.hopeless * lowest {
            let operation = algorithm.make(workers)
            let bench = OperationBench(
                operation: operation, inputCount: inputCount, outputCount: outputCount, batchSize: condition.batchSize,
                threadCount: condition.threadCount, workers: workers)
            var best = Duration.seconds(1_000_000)
            for _ in 0..<Self.runCount {
                guard ContinuousClock.now < deadline else { return nil }
                evict()
                bench.touchInput()
                let start = ContinuousClock.now
                bench.run()
                best = min(best, .now - start)
            }
            seconds[algorithm.name] = best / .seconds(1)
        }
        return seconds
    }

    /// Reads other memory until little else is in the caches.
    private func evict() {
        let words = other.bytes.bindMemory(to: UInt64.self)
        let sum = stride(from: 0, to: words.count, by: 8).reduce(into: UInt64(0)) { $0 &+= words[$1] }
        precondition(sum > 0)
    }
}
