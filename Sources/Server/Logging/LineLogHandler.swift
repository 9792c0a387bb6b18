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
