import Foundation
import TestSupport

/// Runs a page's commands one after the other, as a reader would in a clone that has been built.
///
/// - The current folder holds `docs` and `config` of the repository and a copy of `weights`; `.build/release` and `.build/debug` are
///   the folder of the programs that were built with the tests, which is also first on `PATH`.
/// - What `cd`, `export` and assignments change holds for the commands that follow.
/// - `alexnet serve`, `make run`, and whatever ends in `&` are servers: they run beside the commands that follow, until the next server
///   is started or the page ends. Of `alexnet serve` standard output is compared, which the log is not part of.
/// - Port 8080 is replaced by a free one.
///
/// Nothing can hang: every program runs under `timeout`, with files and not pipes as its output, and whoever waits for one has a
/// deadline of its own.
final class ConsoleSession {
    /// A command that did not do what its page says.
    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    /// Units: seconds.
    private static let commandLimit = 45
    private static let serverLimit = 120

    private let page: ConsolePage
    private let folder: TemporaryFolder
    private let environment: [String: String]
    private let port: Int
    private var server: Process?
    private var fileCount = 0

    /// - Parameters:
    ///   - programs: the folder with the programs that were built.
    ///   - port: one that is free.
    init(_ page: ConsolePage, programs: String, port: Int) throws {
        self.page = page
        self.port = port
        folder = try TemporaryFolder()
        for name in ["clone/.build", "home", "steps"] { try folder.makeFolder(name) }
        let files = FileManager.default
        for name in ["docs", "config", "Examples"] {
            try files.createSymbolicLink(
                atPath: folder.path("clone/" + name), withDestinationPath: Repository.url(name).path)
        }
        for name in ["release", "debug"] {
            try files.createSymbolicLink(atPath: folder.path("clone/.build/" + name), withDestinationPath: programs)
        }
        try files.copyItem(atPath: Repository.url("weights").path, toPath: folder.path("clone/weights"))
        // On a terminal curl shows no progress.
        try folder.write(Array("silent\nshow-error\n".utf8), to: "home/.curlrc")
        try folder.write(Array(folder.path("clone").utf8), to: "steps/folder")
        var environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("ALEXNET_") && !$0.key.lowercased().hasSuffix("_proxy")
        }
        environment["PATH"] = programs + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["HOME"] = folder.path("home")
        environment["XDG_CACHE_HOME"] = nil
        environment["ALEXNET_SERVER_PORT"] = "\(port)"
        // Pages wait for reloads as long as the defaults take; here they need less, and no start measures algorithms.
        environment["ALEXNET_MODELS_RELOAD_INTERVAL"] = "200ms"
        environment["ALEXNET_MODELS_TUNING_LIMIT"] = "0s"
        environment["LC_ALL"] = "C.UTF-8"
        self.environment = environment
    }

    deinit { if let server, server.isRunning { kill(server.processIdentifier, SIGTERM) } }

    /// Runs every command, and ends the server if there is one.
    ///
    /// - Throws: ``Mismatch`` at the first command that prints something else, fails, or takes too long.
    func run() async throws {
        for step in page.steps {
            if Self.isServer(step.command) { try await serve(step) } else { try await execute(step) }
        }
        try await stopServer()
    }

    private static func isServer(_ command: String) -> Bool {
        command.hasPrefix("alexnet serve") || command.hasPrefix(".build/release/alexnet serve") || command == "make run"
            || command.hasSuffix(" &")
    }

    /// Runs a command to its end. A page shows that a command fails by a line that begins with `Error:` or `alexnet:`.
    private func execute(_ step: ConsolePage.Step) async throws {
        let output = nextFile()
        let (process, _) = try start(step.command, limit: Self.commandLimit, output: output, error: output)
        try await wait(for: process, limit: Self.commandLimit, step)
        let text = read(output)
        let mayFail = step.expected.split(separator: "\n").contains {
            $0.hasPrefix("Error:") || $0.hasPrefix("alexnet:")
        }
        guard process.terminationStatus == 0 || mayFail else {
            throw mismatch(step, "ended with \(process.terminationStatus)", text)
        }
        guard OutputPattern(step.expected).matches(text) else { throw mismatch(step, "printed something else", text) }
    }

    /// Starts a server, and waits until it has printed what the page says.
    private func serve(_ step: ConsolePage.Step) async throws {
        try await stopServer()
        let (output, error) = (nextFile(), nextFile())
        let command =
            "exec "
            + (step.command == "make run" ? "alexnet serve" : step.command.trimmingSuffix(" &"))
        let (process, _) = try start(command, limit: Self.serverLimit, output: output, error: error)
        server = process
        let deadline = ContinuousClock.now + .seconds(Self.commandLimit)
        while !OutputPattern(step.expected).matches(read(output)) {
            guard process.isRunning, ContinuousClock.now < deadline else {
                throw mismatch(step, "did not come up", read(output) + "\n" + read(error))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func stopServer() async throws {
        guard let process = server else { return }
        server = nil
        // `timeout` passes it on.
        if process.isRunning { kill(process.processIdentifier, SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(30)
        while process.isRunning {
            guard ContinuousClock.now < deadline else {
                kill(process.processIdentifier, SIGKILL)
                throw Mismatch(description: "\(page.name): the server did not end")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Starts a command in a shell that has the variables and the folder of the one before it.
    private func start(_ command: String, limit: Int, output: String, error: String) throws -> (Process, String) {
        let steps = folder.path("steps")
        let script = """
            set -a; [ -f '\(steps)/state' ] && . '\(steps)/state'; cd "$(cat '\(steps)/folder')" || exit 99
            \(command.replacingOccurrences(of: "8080", with: "\(port)"))
            code=$?
            export -p | grep -vE '^declare -[a-z]*r|declare -x (PWD|OLDPWD|SHLVL|_)=' >'\(steps)/state'; pwd >'\(steps)/folder'
            exit $code
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        // Dispatch's threads block all signals, and a child inherits that: env unblocks those that end a server.
        process.arguments =
            ["--default-signal=INT,TERM", "timeout", "--kill-after=5", "\(limit)", "bash", "-c", script]
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        for path in Set([output, error]) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardOutput = handle
        process.standardError =
            output == error ? handle : try FileHandle(forWritingTo: URL(fileURLWithPath: error))
        try process.run()
        return (process, script)
    }

    private func wait(for process: Process, limit: Int, _ step: ConsolePage.Step) async throws {
        // `timeout` ends it long before.
        let deadline = ContinuousClock.now + .seconds(limit + 15)
        while process.isRunning {
            guard ContinuousClock.now < deadline else {
                kill(process.processIdentifier, SIGKILL)
                throw mismatch(step, "did not end", "")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func nextFile() -> String {
        fileCount += 1
        return folder.path("steps/output-\(fileCount)")
    }

    private func read(_ path: String) -> String {
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        return String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: ":\(port)", with: ":8080")
    }

    private func mismatch(_ step: ConsolePage.Step, _ what: String, _ text: String) -> Mismatch {
        Mismatch(
            description: """
                \(page.name):\(step.line): \(what)
                $ \(step.command)
                --- the page says
                \(step.expected)
                --- the command printed
                \(text)
                """)
    }
}

extension String {
    /// The text without `suffix`, if it ends so.
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
