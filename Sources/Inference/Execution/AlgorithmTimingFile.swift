import Files
import Foundation
import Host

/// The times of algorithms on one kind of CPU, kept between starts.
///
/// A cache: whatever is wrong with the file, it counts as empty, and whatever keeps it from being written costs no more than
/// measuring again.
public struct AlgorithmTimingFile: Sendable {
    private let url: URL

    /// What the file holds.
    private struct Contents: Codable {
        let format: Int
        let machine: String
        let times: [AlgorithmTimings.Entry]
    }

    /// Changes when algorithms, or the way they are measured, change so much that old times mislead: those of format 1 may have been taken
    /// beside other work.
    private static let format = 2
    /// Some hundred networks' layers; a longer file is none of ours. Units: entries, bytes.
    private static let maxEntryCount = 20_000
    private static let maxByteCount = 8 << 20

    /// A file in a directory, which is made when there is something to write. Its name tells the machine: CPU, instruction
    /// set, threads.
    public init(directory: String, threadCount: Int) {
        let name = SHA256.hash(Array(Self.machine(threadCount: threadCount).utf8)).hexadecimal(byteCount: 6)
        url = URL(fileURLWithPath: directory).appendingPathComponent("algorithms-\(name).json")
        machine = Self.machine(threadCount: threadCount)
    }

    private let machine: String

    /// Where caches belong by the XDG Base Directory Specification; nil where there is no home.
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
