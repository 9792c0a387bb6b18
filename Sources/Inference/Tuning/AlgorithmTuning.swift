import CKernels
import Files
import Foundation
import Threads

/// How algorithms are chosen when a model is loaded: by known times, and by measurements within a time limit.
public struct AlgorithmTuning: Sendable {
    /// The known times, which all models of the process share.
    let timings: AlgorithmTimings
    /// How long unknown times may be measured while a model is loaded.
    let limit: Duration
    /// Keeps the times between two starts; nil keeps them in memory only.
    let file: AlgorithmTimingFile?

    /// Without measurement: the algorithms' own estimates decide.
    public static let estimated = AlgorithmTuning(limit: .zero, file: nil)

    /// With a file in the user's cache directory, for programs without a configuration.
    public static func cached(limit: Duration, threadCount: Int) -> AlgorithmTuning {
        let directory = AlgorithmTimingFile.defaultDirectory(in: ProcessInfo.processInfo.environment)
        return AlgorithmTuning(
            limit: limit, file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: threadCount) })
    }

    /// Reads the times that earlier processes measured.
    ///
    /// - Parameter limit: zero measures nothing.
    public init(limit: Duration, file: AlgorithmTimingFile?) {
        timings = AlgorithmTimings(entries: file?.read() ?? [])
        self.limit = limit
        self.file = file
    }

    /// Measures the algorithms of an engine that has not run yet, and writes the times to the file.
    func callAsFunction(_ engine: Engine) {
        guard limit > .zero else { return }
        let known = timings.entries.count
        engine.measureAlgorithms(within: limit)
        if timings.entries.count != known { file?.write(timings.entries) }
    }
}

/// Measures the algorithms of a layer.
///
/// Each run starts with cold caches, as in a network: all other layers run between two runs of a layer, and with few
/// images most of a layer's time may go into reading its weights.
///
/// Times are kept for good, so none is measured while the pool has other work: a run during which a request was decoded
/// or computed does not count, and is repeated when the threads are idle.
struct AlgorithmTuner {
    /// More than the last-level cache of most machines. Units: bytes.
    private static let otherByteCount = 48 << 20
    /// The best of so many runs counts.
    private static let runCount = 3
    /// Algorithms with an estimate above so many times the lowest one are not measured.
    private static let costLimit = 4.0
    /// How long to wait before a busy pool is asked again. Units: microseconds.
    private static let pause: UInt32 = 1000

    private let workers: WorkerPool
    private let deadline: ContinuousClock.Instant
    /// The memory that ``evict()`` reads.
    private let other = AlignedBuffer(byteCount: Self.otherByteCount)

    /// A tuner that begins no run after its deadline.
    init(workers: WorkerPool, deadline: ContinuousClock.Instant) {
        self.workers = workers
        self.deadline = deadline
        other.bytes.initializeMemory(as: UInt8.self, repeating: 1)
    }

    /// The times of the algorithms within ``costLimit``, in seconds; nil where the deadline came before all of them
    /// were measured.
    func measure(
        _ algorithms: [Algorithm], inputCount: Int, outputCount: Int, under condition: AlgorithmTimings.Condition
    ) -> [String: Double]? {
        let lowest = algorithms.map(\.cost).min() ?? 0
        var seconds: [String: Double] = [:]
        for algorithm in algorithms where algorithm.cost <= Self.costLimit * lowest {
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

    /// The duration of a run; nil where the pool's threads had other work during it.
    private func undisturbedRun(of bench: OperationBench) -> Duration? {
        guard let before = workers.jobCountAtRest else { return nil }
        evict()
        bench.touchInput()
        let start = ContinuousClock.now
        bench.run()
        let duration = ContinuousClock.now - start
        return workers.jobCountAtRest == before ? duration : nil
    }

    /// Evicts the caches by reading other memory.
    private func evict() {
        let words = other.bytes.bindMemory(to: UInt64.self)
        let sum = stride(from: 0, to: words.count, by: 8).reduce(into: UInt64(0)) { $0 &+= words[$1] }
        precondition(sum > 0)
    }
}
