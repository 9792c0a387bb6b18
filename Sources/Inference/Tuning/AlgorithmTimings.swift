import Files
import Foundation
import Host
import Synchronization

/// The measured times of algorithms on this machine.
///
/// Times belong to a layer's shape and not to its weights, so that a reload, or another model with such a layer, needs
/// no measurement.
public final class AlgorithmTimings: Sendable {
    /// The condition under which a layer runs: how many images at once, and how many threads that share the work.
    struct Condition: Hashable, Sendable {
        let batchSize: Int
        let threadCount: Int
    }

    /// One measured time.
    struct Entry: Hashable, Sendable, Codable {
        /// The layer's shape, as ``Layer/workload(for:)`` gives it.
        let workload: String
        let algorithm: String
        let batchSize: Int
        let threadCount: Int
        /// The time of one run of the batch.
        let seconds: Double
    }

    private struct Key: Hashable {
        let workload: String
        let condition: Condition
    }

    private let times = Mutex<[Key: [String: Double]]>([:])

    /// The times that were measured before.
    init(entries: [Entry] = []) {
        for entry in entries { record(entry) }
    }

    /// No times yet.
    public convenience init() { self.init(entries: []) }

    /// Adds a time, or replaces the one before it.
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

    /// All times, in a stable order.
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

/// The cache file of algorithms' times for one kind of machine.
///
/// An unusable file counts as empty. If it cannot be written, the next start measures again.
public struct AlgorithmTimingFile: Sendable {
    private let url: URL
    /// CPU, instruction set and number of threads.
    private let machine: String

    /// What the file holds.
    private struct Contents: Codable {
        let format: Int
        let machine: String
        let times: [AlgorithmTimings.Entry]
    }

    /// To be raised when algorithms, or the way they are measured, change so much that old times mislead. Those of
    /// format 1 may have been measured beside other work.
    private static let format = 2
    /// The layers of some hundred networks; a larger file is not this program's. Units: entries.
    private static let maxEntryCount = 20_000
    /// Units: bytes.
    private static let maxByteCount = 8 << 20

    /// The file of this machine in a directory, which is made before the first write. The file's name is a digest of
    /// the CPU, the instruction set and the number of threads.
    public init(directory: String, threadCount: Int) {
        let name = SHA256.hash(Array(Self.machine(threadCount: threadCount).utf8)).hexadecimal(byteCount: 6)
        url = URL(fileURLWithPath: directory).appendingPathComponent("algorithms-\(name).json")
        machine = Self.machine(threadCount: threadCount)
    }

    /// The directory for caches by the XDG Base Directory Specification; nil where there is no home directory.
    public static func defaultDirectory(in environment: [String: String]) -> String? {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/alexnet" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/alexnet" }
        return nil
    }

    private static func machine(threadCount: Int) -> String {
        "\(ComputeEnvironment.cpuName), \(InstructionSet.current.rawValue), \(threadCount) threads"
    }

    func read() -> [AlgorithmTimings.Entry] {
        guard let data = try? FileSnapshot.bytes(of: url.path, maxByteCount: Self.maxByteCount),
            let contents = try? JSONDecoder().decode(Contents.self, from: Data(data)),
            contents.format == Self.format, contents.machine == machine, contents.times.count <= Self.maxEntryCount
        else { return [] }
        return contents.times.filter { $0.seconds > 0 && $0.batchSize > 0 && $0.threadCount > 0 }
    }

    func write(_ entries: [AlgorithmTimings.Entry]) {
        guard entries.count <= Self.maxEntryCount else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let contents = Contents(format: Self.format, machine: machine, times: entries)
        guard let data = try? encoder.encode(contents) else { return }
        try? FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try? data.write(to: url, options: .atomic)
    }
}
