import Logging

extension LoggingSystem {
    /// Sends every logger's lines to standard error in the configured format, from the configured level on.
    ///
    /// Limits: once a process, as swift-log demands.
    public static func bootstrap(_ settings: Settings.Log) {
        let sink = StandardErrorSink()
        bootstrap(
            { _, provider in
                LineLogHandler(
                    level: settings.level, format: settings.format, sink: sink, metadataProvider: provider)
            }, metadataProvider: nil)
    }
}
