import Logging
@testable import Server

/// Takes the server's log lines, and checks that each event is one line.
final class SimulatedLog: LogSink, @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    private let checks: Checks

    init(_ checks: Checks) { self.checks = checks }

    func logger(_ scheduler: Scheduler) -> Logger {
        Logger(label: "simulation") { [self] _ in
            LineLogHandler(
                level: .info, format: .json, sink: self,
                now: { LogTimestamp(milliseconds: scheduler.time / .milliseconds(1)) })
        }
    }

    func append(line: String) {
        checks.count("log lines")
        checks.expect(
            line.utf8.last == 10 && line.utf8.count { $0 == 10 } == 1, "a log line that is not one line: \(line)")
        checks.trace("log: \(line.dropLast())")
    }
}
