import Foundation
import TestSupport
import Testing

/// The built program, run in a process of its own, as a user would run it.
enum BuiltProgram {
    /// The output and the exit code of a run.
    struct Run: Sendable {
        /// Standard output.
        let output: String
        /// Standard error.
        let error: String
        /// The exit code; 128 + the signal's number where a signal ended the process.
        let code: Int32
    }

    /// The program's path: beside the tests, which depend on it; nil where it was not built.
    static let path: String? = {
        let folders: [String?] = [
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path,
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map {
                URL(fileURLWithPath: $0).deletingLastPathComponent().path
            }, ".build/debug",
        ]
        return folders.compactMap(\.self).map { $0 + "/alexnet" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - input: the bytes of standard input.
    ///   - directory: the working directory; nil for an empty one.
    ///   - limit: after this time the process is killed, and the test fails.
    /// - Throws: ``NeverHappened`` after `limit`.
    static func run(
        _ arguments: [String], input: [UInt8] = [], in directory: String? = nil, within limit: Duration = .seconds(60)
    ) async throws -> Run {
        try await RunningProgram(arguments, input: input, in: directory).end(within: limit)
    }
}

/// A process of the built program. It is killed with the last reference to this.
final class RunningProgram: @unchecked Sendable {  // guard: used by one test, one call after the other
    private struct NotBuilt: Error {}

    private let process = Process()
    private let arguments: [String]
    /// Holds the files of the standard streams, the home, and the working directory.
    private let folder: TemporaryFolder

    /// Starts the program. Its home is empty, and none of its variables are inherited.
    init(_ arguments: [String], input: [UInt8] = [], in directory: String? = nil) throws {
        guard let path = BuiltProgram.path else { throw NotBuilt() }
        self.arguments = arguments
        folder = try TemporaryFolder()
        for name in ["home", "work"] { try folder.makeFolder(name) }
        for (name, bytes) in [("input", input), ("output", [UInt8]()), ("error", [])] {
            try folder.write(bytes, to: name)
        }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: directory ?? folder.path("work"))
        var environment = ProcessInfo.processInfo.environment.filter { name, _ in
            !["ALEXNET_", "OPENBLAS_", "XDG_"].contains(where: name.hasPrefix)
        }
        environment["HOME"] = folder.path("home")
        process.environment = environment
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.path("input")))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("output")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("error")))
        // A shell that starts the tests in the background ignores SIGINT, and children inherit that.
        let handler = signal(SIGINT, SIG_DFL)
        defer { signal(SIGINT, handler) }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Standard output so far.
    var output: String { text("output") }
    /// Standard error so far.
    var error: String { text("error") }

    private func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: folder.path(name)) ?? Data(), as: UTF8.self)
    }

    /// Sends a signal.
    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for the end of the process, and kills it after `limit`.
    ///
    /// - Throws: ``NeverHappened`` after `limit`.
    func end(within limit: Duration = .seconds(60)) async throws -> BuiltProgram.Run {
        let command = "the end of alexnet \(arguments.joined(separator: " "))"
        do {
            try await eventually(command, within: limit) { !process.isRunning }
        } catch {
            send(SIGKILL)
            Issue.record("\(output)\(self.error)")
            throw error
        }
        let status = process.terminationStatus
        return BuiltProgram.Run(
            output: output, error: error, code: process.terminationReason == .uncaughtSignal ? 128 + status : status)
    }
}
