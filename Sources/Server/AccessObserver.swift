import HTTPServer
import HTTPTypes
import Logging
import Threads

/// Counts every request in the metrics, and writes the access log.
struct AccessObserver: ServerObserver {
    let metrics: ServingMetrics
    let logger: Logger
    let logsAccess: Bool

    func connectionOpened() { metrics.connectionOpened() }

    func connectionClosed() { metrics.connectionClosed() }

    func requestCompleted(_ record: RequestRecord) {
        metrics.requestCompleted(
            route: record.route, method: record.method?.rawValue ?? "other", status: record.status.code,
            duration: record.duration)
        guard logsAccess else { return }
        var metadata: Logger.Metadata = [
            "id": "\(record.id)", "method": "\(record.method?.rawValue ?? "-")", "target": "\(record.target ?? "-")",
            "status": .stringConvertible(record.status.code),
            "ms": .stringConvertible(record.duration.milliseconds),
            "bytes_in": .stringConvertible(record.bytesIn), "bytes_out": .stringConvertible(record.bytesOut),
            "client": "\(record.remoteAddress)",
        ]
        for (key, value) in record.annotations() { metadata[key] = Self.value(value, of: key) }
        logger.info("request", metadata: metadata)
    }

    /// Counts and durations become numbers in the log; a version stays text, even if it consists of digits.
    private static func value(_ text: String, of key: String) -> Logger.MetadataValue {
        if ["images", "batch"].contains(key), let count = Int(text) { return .stringConvertible(count) }
        if key.hasSuffix("_ms"), let time = Double(text) { return .stringConvertible(time) }
        return .string(text)
    }
}
