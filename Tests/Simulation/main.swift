import Foundation
@testable import Inference
import ModelTestSupport
import Threads

/// Simulates servers, one for each seed.
///
///     Simulation [--seeds 1000] [--first 1] [--requests 300] [--jobs 2] [--trace] [--replay]
struct Options {
    var seeds = 100
    var first: UInt64 = 1
    var requests = 300
    var jobs = max(1, ProcessInfo.processInfo.activeProcessorCount)
    var isTraced = false
    /// Whether each seed runs twice, and must do the same both times.
    var replays = false

    init(_ arguments: [String]) {
        var rest = arguments[...]
        func number() -> Int {
            guard let text = rest.popFirst(), let number = Int(text), number > 0 else {
                Self.fail("a number is missing")
            }
            return number
        }
        while let argument = rest.popFirst() {
            switch argument {
            case "--seeds": seeds = number()
            case "--first": first = UInt64(number())
            case "--requests": requests = number()
            case "--jobs": jobs = number()
            case "--trace": isTraced = true
            case "--replay": replays = true
            default: Self.fail("\(argument) is unknown")
            }
        }
    }

    private static func fail(_ sentence: String) -> Never {
        say("\(sentence); the options are --seeds N, --first SEED, --requests N, --jobs N, --replay and --trace.")
        exit(2)
    }
}

let options = Options(Array(CommandLine.arguments.dropFirst()))
// Only with these does a process hash as the one before, and so a seed replays.
let isChild = ProcessInfo.processInfo.environment["SWIFT_DETERMINISTIC_HASHING"] != nil
exit(isChild ? try runSeeds(options) : try startJobs(options))

/// Runs the seeds of one process, and reports those that failed.
func runSeeds(_ options: Options) throws -> Int32 {
    let tiny = try TinyModel(classCount: 97)
    let template = try withExtendedLifetime(tiny) {
        try ModelLoader(workers: WorkerPool(threadCount: 1)).load(ModelFiles(folder: tiny.folder.path))
    }
    var counts: [String: Int] = [:]
    var failedCount = 0
    for seed in options.first..<options.first + UInt64(options.seeds) {
        let world = try World(
            seed: seed, requestLimit: options.requests, template: template, isTraced: options.isTraced)
        try world.run()
        for (name, count) in world.checks.counts {
            counts[name] = name.contains("est ") ? max(counts[name] ?? 0, count) : (counts[name] ?? 0) + count
        }
        counts["seeds", default: 0] += 1
        counts["virtual seconds", default: 0] += world.scheduler.time / .seconds(1)
        counts["events", default: 0] += world.scheduler.eventCount
        var failures = world.checks.failures
        if options.replays, failures.isEmpty {
            let again = try World(seed: seed, requestLimit: options.requests, template: template, isTraced: false)
            try again.run()
            if again.checks.digest != world.checks.digest { failures.append("two runs differ") }
        }
        if !failures.isEmpty {
            failedCount += 1
            say("seed \(seed) FAILED:")
            for failure in failures { say("    \(failure)") }
        }
        if options.isTraced { say("digest \(String(world.checks.digest, radix: 16))") }
    }
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) { say("count \(count) \(name)") }
    return failedCount == 0 ? 0 : 1
}

/// Divides the seeds among processes, and adds up what they report.
func startJobs(_ options: Options) throws -> Int32 {
    let begin = ContinuousClock.now
    let jobs = options.isTraced ? 1 : min(options.jobs, options.seeds)
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_DETERMINISTIC_HASHING"] = "1"
    let processors = allowedProcessors()
    var running: [(Process, Pipe)] = []
    var first = options.first
    for job in 0..<jobs {
        let seeds = options.seeds / jobs + (job < options.seeds % jobs ? 1 : 0)
        let process = Process()
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let arguments =
            ["--seeds", "\(seeds)", "--first", "\(first)", "--requests", "\(options.requests)"]
            + (options.isTraced ? ["--trace"] : []) + (options.replays ? ["--replay"] : [])
        // Only one thread of a simulation runs at a time: to hand over to one on another processor would take longer.
        if FileManager.default.isExecutableFile(atPath: "/usr/bin/taskset") {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/taskset")
            process.arguments = ["-c", "\(processors[job % processors.count])", program.path] + arguments
        } else {
            process.executableURL = program
            process.arguments = arguments
        }
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        running.append((process, pipe))
        first += UInt64(seeds)
    }
    var counts: [String: Int] = [:]
    var isFailed = false
    for (process, pipe) in running {
        while let line = pipe.fileHandleForReading.readLine() {
            let words = line.split(separator: " ", maxSplits: 2)
            if words.count == 3, words[0] == "count", let count = Int(words[1]) {
                let name = String(words[2])
                counts[name] = name.contains("est ") ? max(counts[name] ?? 0, count) : (counts[name] ?? 0) + count
            } else {
                say(line)
            }
        }
        process.waitUntilExit()
        if process.terminationStatus != 0 {
            isFailed = true
            if process.terminationReason == .uncaughtSignal {
                say("a simulation died of signal \(process.terminationStatus)")
            }
        }
    }
    let seconds =
        Double((ContinuousClock.now - begin).components.seconds) + Double(
            (ContinuousClock.now - begin).components.attoseconds) / 1e18
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
        let text = name == "longest answer" ? Checks.text(count) : "\(count)"
        say("\(String(repeating: " ", count: max(0, 12 - text.count)))\(text) \(name)")
    }
    let rate = Int(Double(counts["requests"] ?? 0) / seconds * 60)
    say(
        "\(rate) requests a minute, in \(String(format: "%.1f", seconds)) s on \(jobs) processes; \(isFailed ? "FAILED" : "nothing failed")"
    )
    return isFailed ? 1 : 0
}

extension FileHandle {
    /// The next line; nil at the end.
    func readLine() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while Foundation.read(fileDescriptor, &byte, 1) == 1 {
            if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}

/// Prints a line at once, so that it is not lost if the program ends badly.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The processors that this process may use, as /proc/self/status lists them: `0-3,6`.
func allowedProcessors() -> [Int] {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed_list:") }) else {
        return [0]
    }
    let numbers = line.drop { $0 != "\t" }.dropFirst().split(separator: ",").flatMap { part -> [Int] in
        let ends = part.split(separator: "-").compactMap { Int($0) }
        return ends.isEmpty ? [] : Array(ends[0]...ends[ends.count - 1])
    }
    return numbers.isEmpty ? [0] : numbers
}
