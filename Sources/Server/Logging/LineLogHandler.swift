import Logging

/// Writes each event of swift-log as one line, as text or as JSON.
///
/// Limits: a line ends only where the event ends, whatever its message and metadata hold.
struct LineLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let format: LogFormat
    private let sink: any LogSink
    private let now: @Sendable () -> LogTimestamp

    init(
        level: Logger.Level, format: LogFormat, sink: any LogSink, metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> LogTimestamp = { .now }
    ) {
        self.logLevel = level
        self.format = format
        self.sink = sink
        self.metadataProvider = metadataProvider
        self.now = now
    }

    func log(event: LogEvent) {
        // The nearer to the event, the stronger: handler, then provider, then the event's own.
        var metadata = metadata
        metadata.merge(metadataProvider?.get() ?? [:]) { $1 }
        if let error = event.error { metadata["error"] = .string("\(error)") }
        metadata.merge(event.metadata ?? [:]) { $1 }
        let line = LogLine(time: now(), level: event.level, message: event.message.description, metadata: metadata)
        sink.append(line: line.formatted(as: format))
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

extension LoggingSystem {
    /// Sends every logger's lines to standard error in the configured format, from the configured level on.
    ///
    /// Limits: once a process, as swift-log demands.
    /// - Returns: what writes the lines; the process flushes it before it ends.
    public static func bootstrap(_ settings: Settings.Log) -> LogWriter {
        let log = LogWriter(maxByteCount: settings.maxBufferedBytes) { droppedCount in
            LogLine(
                time: .now, level: .warning, message: "log lines were dropped: they were not read fast enough",
                metadata: ["lines": .stringConvertible(droppedCount)]
            ).formatted(as: settings.format)
        }
        bootstrap(
            { _, provider in
                LineLogHandler(level: settings.level, format: settings.format, sink: log, metadataProvider: provider)
            }, metadataProvider: nil)
        return log
    }
}

/// How a log line is written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: `2026-11-21T06:31:00.123Z info  message key=value`.
    case text
    /// For machines: one JSON object a line.
    case json
}

/// Where finished log lines go.
protocol LogSink: Sendable {
    /// Takes one whole line, its newline included.
    func append(line: String)
}
