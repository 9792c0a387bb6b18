import Logging

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
