import CKernels
import Files
import Host
import Synchronization
import Threads

/// The limits of this machine, measured: no layer is computed faster than its arithmetic, or than its weights are read.
///
/// - Source: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model for multicore
///   architectures".
public struct MachineSpeed: Sendable, Hashable {
    /// What a number of threads reach together.
    public struct Rates: Sendable, Hashable {
        /// float32 multiply-adds in registers, of which each counts as two operations. Units: operations per second.
        public let float32OperationsPerSecond: Double
        /// Multiply-adds of bytes in registers, of which each counts as two operations. Units: operations per second.
        public let int8OperationsPerSecond: Double
        /// The same of 16-bit integers. Units: operations per second.
        public let int16OperationsPerSecond: Double
        /// Reading of memory that no cache holds. Units: bytes per second.
        public let bytesPerSecond: Double

        /// The rate for a kind of numbers. Units: operations per second.
        public func operationsPerSecond(_ type: ProductType) -> Double {
            switch type {
            case .float32: float32OperationsPerSecond
            case .int8: int8OperationsPerSecond
            case .int16: int16OperationsPerSecond
            }
        }
    }

    /// One thread alone.
    public let oneThread: Rates
    /// All threads of a pool at the same time.
    public let allThreads: Rates

    /// The rates of one thread and of all.
    public init(oneThread: Rates, allThreads: Rates) {
        self.oneThread = oneThread
        self.allThreads = allThreads
    }

    /// The work of a thread in one run: about a quarter of a millisecond. On a core whose other half another virtual machine
    /// uses, only short runs are undisturbed. Units: rounds of the kernel.
    private static let roundCount = 60_000
    /// The memory that is read: several times the last-level cache of most machines, but no more than a quarter of what
    /// is free. Where little is free, caches may hold it, and the rate is theirs. Units: bytes.
    private static var byteCount: Int { min(256 << 20, max(1 << 20, (AvailableMemory.current ?? .max) / 4)) }
    /// How long each rate is measured; the fastest run counts. The scheduler may take some tens of milliseconds to give
    /// each thread a core of its own.
    private static let duration = Duration.milliseconds(80)

    /// Measures for about half a second. Nothing else should compute meanwhile.
    public static func measured(on workers: WorkerPool) -> Self {
        let memory = AlignedBuffer(byteCount: byteCount)
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 1)
        return Self(
            oneThread: rates(threadCount: 1, memory: memory, workers: workers),
            allThreads: rates(threadCount: workers.threadCount, memory: memory, workers: workers))
    }

    private static func rates(threadCount: Int, memory: AlignedBuffer, workers: WorkerPool) -> Rates {
        let operations = fastest(
            [
                { _ in 2 * Double(kernel_repeat_multiply_adds(roundCount)) },
                { _ in 2 * Double(kernel_repeat_byte_products(roundCount)) },
                { _ in 2 * Double(kernel_repeat_int16_products(roundCount)) },
            ], threadCount: threadCount, workers: workers)
        // Each thread reads a part of its own; the kernel reads whole groups of four cache lines.
        let share = memory.bytes.count / threadCount / 256 * 256
        let bytes = fastest(
            [
                { thread in
                    guard let start = memory.bytes.baseAddress else { return 0 }
                    let sum = withExtendedLifetime(memory) { kernel_read_memory(start + thread * share, share) }
                    precondition(sum != 0)
                    return Double(share)
                }
            ], threadCount: threadCount, workers: workers)
        return Rates(
            float32OperationsPerSecond: operations[0], int8OperationsPerSecond: operations[1],
            int16OperationsPerSecond: operations[2], bytesPerSecond: bytes[0])
    }

    /// The work of one thread; returns its amount.
    private typealias Work = @Sendable (_ thread: Int) -> Double

    /// For each of some kinds of work, what the threads do per second in the fastest of several runs. The kinds take turns,
    /// so that a disturbance does not meet one of them alone.
    private static func fastest(_ kinds: [Work], threadCount: Int, workers: WorkerPool) -> [Double] {
        var fastest = kinds.map { _ in 0.0 }
        let end = ContinuousClock.now + duration * kinds.count
        repeat {
            for (kind, work) in kinds.enumerated() {
                let amount = Mutex(0.0)
                let start = ContinuousClock.now
                workers.parallelFor(threadCount) { thread, _ in
                    let done = work(thread)
                    amount.withLock { $0 += done }
                }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                fastest[kind] = max(fastest[kind], amount.withLock(\.self) / seconds)
            }
        } while .now < end
        return fastest
    }
}
