import HTTPServer
import HTTPTypes
import Logging

/// Counts every request and leaves a line for it in the log.
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
            "status": "\(record.status.code)", "ms": "\(record.duration.milliseconds)",
            "bytes_in": "\(record.bytesIn)", "bytes_out": "\(record.bytesOut)", "client": "\(record.remoteAddress)",
        ]
        for (key, value) in record.annotations { metadata[key] = "\(value)" }
        logger.info("request", metadata: metadata)
    }
}
