import CKernels
import Files
import Foundation
import Threads

/// How algorithms are chosen when a model is loaded: by known times, and by measurements within a time limit.
public struct AlgorithmTuning: Sendable {
    /// The known times. All models of the process share them.
    let timings: AlgorithmTimings
    /// The most time for measurements while a model is loaded.
    let limit: Duration
    /// Stores the times for the next start; nil to keep them in memory only.
    let file: AlgorithmTimingFile?

    /// No measurements: algorithms are chosen by estimated cost.
    public static let estimated = AlgorithmTuning(limit: .zero, file: nil)

    /// Tuning with a file in the user's cache directory, for programs without a configuration.
    public static func cached(limit: Duration, threadCount: Int) -> AlgorithmTuning {
        let directory = AlgorithmTimingFile.defaultDirectory(in: ProcessInfo.processInfo.environment)
        return AlgorithmTuning(
            limit: limit, file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: threadCount) })
    }

    /// Tuning that reads the times of earlier processes from a file.
    ///
    /// - Parameter limit: the most time for measurements; zero for none.
    public init(limit: Duration, file: AlgorithmTimingFile?) {
        timings = AlgorithmTimings(entries: file?.read() ?? [])
        self.limit = limit
        self.file = file
    }

    /// Measures the algorithms of an engine before its first run, and writes the times to the file.
    func callAsFunction(_ engine: Engine) {
        guard limit > .zero else { return }
        let known = timings.entries.count
        engine.measureAlgorithms(within: limit)
        if timings.entries.count != known { file?.write(timings.entries) }
    }
}

/// Measures the algorithms of a layer.
///
/// Each run starts with cold caches, as in a network: there, all other layers run between two runs of a layer. With few
/// images, reading the weights may take most of a layer's time.
///
/// Times are stored permanently, so they are measured only while the pool has no other work. A run does not count if a
/// request was decoded or computed meanwhile; it is repeated when the threads are idle.
struct AlgorithmTuner {
    /// The size of the memory read to flush the caches: more than the last-level cache of most machines. Units: bytes.
    private static let otherByteCount = 48 << 20
    /// What a thread reads at least to flush a core's own caches. Units: bytes.
    private static let privateByteCount = 4 << 20
    /// The most runs; the fastest one counts.
    private static let runCount = 3
    /// Algorithms whose estimated cost exceeds the lowest by this factor are not measured.
    private static let costLimit = 4.0
    /// How many times as long as the best an algorithm takes whose first run is its only one.
    private static let hopelessFactor = 1.7
    /// The default value of a tuning knob is kept unless another takes less than this share of its time.
    private static let variantMargin = 0.97
    /// How long to wait before the pool is asked again whether it is idle. Units: microseconds.
    private static let pause: UInt32 = 1000

    /// A value that a layer reads or writes: the number of values of one image, and how they are stored.
    struct Value: Sendable {
        let count: Int
        var format = ValueFormat.float32
    }

    private let workers: WorkerPool
    private let deadline: ContinuousClock.Instant
    private let otherMemory = OtherMemory()

    /// The memory that ``evict()`` reads. It is made for the first measurement: at most starts all times are known.
    private final class OtherMemory {
        lazy var buffer = {
            let buffer = AlignedBuffer(byteCount: otherByteCount)
            buffer.bytes.initializeMemory(as: UInt8.self, repeating: 1)
            return buffer
        }()
    }

    /// A tuner that begins no run after its deadline.
    init(workers: WorkerPool, deadline: ContinuousClock.Instant) {
        self.workers = workers
        self.deadline = deadline
    }

    /// The times of the algorithms within ``costLimit``, under each condition; nil if the deadline came before all were
    /// measured.
    ///
    /// The fastest algorithm is measured with each value of its tuning knob. A layer without any choice is not measured.
    func measure(
        _ algorithms: [Algorithm], inputs: [Value], output: Value, under conditions: [AlgorithmTimings.Condition]
    ) -> [AlgorithmTimings.Condition: [String: AlgorithmTimings.Time]]? {
        func bench(_ operation: any Operation, _ condition: AlgorithmTimings.Condition) -> OperationBench {
            OperationBench(
                operation: operation, inputs: inputs, output: output,
                batchSize: condition.batchSize, threadCount: condition.threadCount,
                copyCount: max(1, workers.threadCount / condition.threadCount), workers: workers)
        }
        let lowest = algorithms.map(\.cost).min() ?? 0
        var times: [AlgorithmTimings.Condition: [String: AlgorithmTimings.Time]] = [:]
        var fastest: [AlgorithmTimings.Condition: (operation: any Operation, seconds: Double)] = [:]
        for algorithm in algorithms where algorithm.cost <= Self.costLimit * lowest {
            let operation = algorithm.make(workers)
            for condition in conditions {
                if algorithms.count == 1, operation.variants(batchSize: condition.batchSize).isEmpty { continue }
                let rival = fastest[condition]
                guard
                    let seconds = seconds(
                        of: bench(operation, condition),
                        beside: rival.map { (bench($0.operation, condition), $0.seconds) })
                else { return nil }
                times[condition, default: [:]][algorithm.name] = .init(seconds: seconds, setting: operation.setting)
                if seconds < rival?.seconds ?? .infinity { fastest[condition] = (operation, seconds) }
            }
        }
        for (condition, fastest) in fastest {
            let reference = bench(fastest.operation, condition)
            var limit = fastest.seconds * Self.variantMargin
            for variant in fastest.operation.variants(batchSize: condition.batchSize) {
                guard let seconds = seconds(of: bench(variant, condition), beside: (reference, fastest.seconds))
                else { return nil }
                guard seconds < limit else { continue }
                times[condition, default: [:]][variant.name] = .init(seconds: seconds, setting: variant.setting)
                limit = seconds
            }
        }
        return times
    }

    /// The duration of the shortest of several runs, in seconds; nil if the deadline came first.
    ///
    /// A machine may run at half of its speed for seconds at a time, so the runs take turns with those of a rival whose time
    /// is known, and the result is that time multiplied by the ratio of the shortest runs. What takes far longer than the
    /// rival is not run again.
    private func seconds(of bench: OperationBench, beside rival: (bench: OperationBench, seconds: Double)?) -> Double? {
        var (shortest, shortestOfRival) = (Double.infinity, Double.infinity)
        for _ in 0..<Self.runCount {
            guard let duration = run(bench) else { return nil }
            shortest = min(shortest, duration)
            guard let rival else { continue }
            guard let duration = run(rival.bench) else { return nil }
            shortestOfRival = min(shortestOfRival, duration)
            if shortest > Self.hopelessFactor * shortestOfRival { break }
        }
        return rival.map { $0.seconds * shortest / shortestOfRival } ?? shortest
    }

    /// The duration of one run, in seconds; nil if the deadline came first.
    private func run(_ bench: OperationBench) -> Double? {
        while ContinuousClock.now < deadline {
            if let duration = undisturbedRun(of: bench) { return duration / .seconds(1) }
            usleep(Self.pause)
        }
        return nil
    }

    /// The duration of a run; nil if the pool had other work meanwhile.
    private func undisturbedRun(of bench: OperationBench) -> Duration? {
        guard let before = workers.jobCountAtRest else { return nil }
        evict()
        bench.touchInput()
        let start = ContinuousClock.now
        bench.run()
        let duration = ContinuousClock.now - start
        return workers.jobCountAtRest == before ? duration : nil
    }

    /// Flushes the caches by reading other memory on all threads.
    private func evict() {
        let other = otherMemory.buffer
        let share = max(Self.otherByteCount / workers.threadCount / 256 * 256, Self.privateByteCount)
        workers.parallelFor(workers.threadCount) { thread, _ in
            guard let memory = other.bytes.baseAddress else { return }
            let start = thread * share % (Self.otherByteCount - share + 1) / 256 * 256
            let sum = withExtendedLifetime(other) { kernel_read_memory(memory + start, share) }
            precondition(sum > 0)
        }
    }
}
