import Logging

/// A log handler of swift-log that writes each event as one line of text or JSON.
///
/// Guarantee: one event is one line, whatever its message and metadata contain.
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
        // Precedence, from low to high: the handler's metadata, the provider's, the event's.
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

/// The format of a log line.
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

extension LoggingSystem {
    /// Sends the lines of all loggers to standard error, in the configured format and from the configured level on.
    ///
    /// Call it once per process, as swift-log demands.
    ///
    /// - Returns: the writer of the lines; flush it before the process ends.
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
