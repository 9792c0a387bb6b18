import Synchronization

@testable import Server

/// Keeps log lines instead of writing them.
final class RecordingSink: LogSink {
    private let recorded = Mutex<[String]>([])

    var lines: [String] { recorded.withLock { $0 } }

    func append(line: String) { recorded.withLock { $0.append(line) } }
}
