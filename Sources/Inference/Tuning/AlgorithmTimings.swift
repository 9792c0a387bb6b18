import Files
import Foundation
import Host
import Synchronization

/// The measured times of algorithms on this machine.
///
/// Times belong to a layer's shape, not to its weights. A reload, or another model with such a layer, therefore needs
/// no new measurement.
public final class AlgorithmTimings: Sendable {
    /// The condition under which a layer runs: the number of images in the batch, and of threads that share the work.
    struct Condition: Hashable, Sendable {
        let batchSize: Int
        let threadCount: Int
    }

    /// The measured time of an algorithm with the best value of its tuning knob.
    struct Time: Hashable, Sendable {
        /// The duration of one run of the batch. Units: seconds.
        let seconds: Double
        /// See ``Operation/setting``.
        let setting: Int
    }

    /// One measured time, as it is kept in a file.
    struct Entry: Hashable, Sendable, Codable {
        /// The layer's shape; see ``Layer/workload(for:)``.
        let workload: String
        let algorithm: String
        let batchSize: Int
        let threadCount: Int
        /// The duration of one run of the batch. Units: seconds.
        let seconds: Double
        /// See ``Operation/setting``.
        let setting: Int
    }

    private struct Key: Hashable {
        let workload: String
        let condition: Condition
    }

    private let times = Mutex<[Key: [String: Time]]>([:])

    /// The times of earlier measurements.
    init(entries: [Entry] = []) {
        for entry in entries { record(entry) }
    }

    /// An empty collection.
    public convenience init() { self.init(entries: []) }

    /// Adds a time, or replaces the earlier one.
    func record(_ entry: Entry) {
        let key = Key(
            workload: entry.workload,
            condition: Condition(batchSize: entry.batchSize, threadCount: entry.threadCount))
        times.withLock { $0[key, default: [:]][entry.algorithm] = Time(seconds: entry.seconds, setting: entry.setting) }
    }

    /// The time of each algorithm; nil if nothing was measured.
    func times(of workload: String, under condition: Condition) -> [String: Time]? {
        times.withLock { $0[Key(workload: workload, condition: condition)] }
    }

    /// All times, in a stable order.
    var entries: [Entry] {
        times.withLock { times in
            times.flatMap { key, times in
                times.map {
                    Entry(
                        workload: key.workload, algorithm: $0.key, batchSize: key.condition.batchSize,
                        threadCount: key.condition.threadCount, seconds: $0.value.seconds, setting: $0.value.setting)
                }
            }
        }
        .sorted {
            ($0.workload, $0.batchSize, $0.threadCount, $0.algorithm)
                < ($1.workload, $1.batchSize, $1.threadCount, $1.algorithm)
        }
    }
}

/// The cache file of measured times for one kind of machine.
///
/// An unusable file counts as empty. If the file cannot be written, the next start measures again.
public struct AlgorithmTimingFile: Sendable {
    private let url: URL
    /// The CPU, the instruction set, OpenBLAS's kernels and the number of threads, as one string.
    private let machine: String

    /// The content of the file.
    private struct Contents: Codable {
        let format: Int
        let machine: String
        let times: [AlgorithmTimings.Entry]
    }

    /// The version of the format. Raise it if algorithms or their measurement change so much that old times mislead.
    /// Times of format 1 may have been measured while other work ran; those of format 2 had no settings; those of format
    /// 3 did not know Winograd in integers, and those of format 4 did not know bytes between layers; those of format 5 are
    /// of slower products of bytes, and were not measured in turns; those of format 6 are of products that waited for
    /// memory.
    private static let format = 8
    /// The most entries: the layers of a few hundred networks. Larger files are refused.
    private static let maxEntryCount = 20_000
    /// The largest file. Units: bytes.
    private static let maxByteCount = 8 << 20

    /// The file for this machine in a directory, which is created before the first write. The file name is a digest of
    /// the CPU, the instruction set, OpenBLAS's kernels and the number of threads.
    public init(directory: String, threadCount: Int) {
        let name = SHA256.hash(Array(Self.machine(threadCount: threadCount).utf8)).hexadecimal(byteCount: 6)
        url = URL(fileURLWithPath: directory).appendingPathComponent("algorithms-\(name).json")
        machine = Self.machine(threadCount: threadCount)
    }

    /// The cache directory by the XDG Base Directory Specification; nil if there is no home directory.
    public static func defaultDirectory(in environment: [String: String]) -> String? {
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/alexnet" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/alexnet" }
        return nil
    }

    private static func machine(threadCount: Int) -> String {
        "\(ComputeEnvironment.cpuName), \(InstructionSet.current.rawValue), OpenBLAS for \(OpenBLASKernels.name), "
            + "\(threadCount) threads"
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
