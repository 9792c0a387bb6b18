import CKernels
import Files
import Foundation
import Threads

/// Measures the algorithms of a layer, to choose between them.
///
/// Before each run the caches are filled with other data: between two runs of a layer the whole network passes, and with few
/// images most of a layer's time may go into fetching its weights.
///
/// Times are kept for good, so none is taken while the pool has other work: a run during which a request was decoded or computed does not
/// count and is repeated once the threads are at rest.
struct AlgorithmTuner {
    /// More than the last-level cache that two cores share on most machines. Units: bytes.
    private static let otherByteCount = 48 << 20
    private static let runCount = 3
    /// An algorithm whose estimate is so many times the lowest one is not measured.
    private static let hopeless = 4.0
    /// How long to wait for a pool that is busy before it is asked again. Units: microseconds.
    private static let pause: UInt32 = 1000

    private let workers: WorkerPool
    private let deadline: ContinuousClock.Instant
    private let other = AlignedBuffer(byteCount: Self.otherByteCount)

    /// A tuner that begins no measurement behind its deadline.
    init(workers: WorkerPool, deadline: ContinuousClock.Instant) {
        self.workers = workers
        self.deadline = deadline
        other.bytes.initializeMemory(as: UInt8.self, repeating: 1)
    }

    /// The times of those algorithms that may win; nil where the time is up before all of them were measured undisturbed.
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
            var count = 0
            while count < Self.runCount {
                guard ContinuousClock.now < deadline else { return nil }
                guard let duration = undisturbedRun(of: bench) else {
                    usleep(Self.pause)
                    continue
                }
                best = min(best, duration)
                count += 1
            }
            seconds[algorithm.name] = best / .seconds(1)
        }
        return seconds
    }

    /// What a run takes; nil where the pool's threads had something else to do.
    private func undisturbedRun(of bench: OperationBench) -> Duration? {
        guard let before = workers.jobCountAtRest else { return nil }
        evict()
        bench.touchInput()
        let start = ContinuousClock.now
        bench.run()
        let duration = ContinuousClock.now - start
        return workers.jobCountAtRest == before ? duration : nil
    }

    /// Reads other memory until little else is in the caches.
    private func evict() {
        let words = other.bytes.bindMemory(to: UInt64.self)
        let sum = stride(from: 0, to: words.count, by: 8).reduce(into: UInt64(0)) { $0 &+= words[$1] }
        precondition(sum > 0)
    }
}
