import HTTPServer
import HTTPTypes
import Logging
import Threads

/// Counts every request in the metrics, and writes the access log.
struct AccessObserver: ServerObserver {
    let metrics: ServingMetrics
    let logger: Logger
    let logging: AccessLogging

    func connectionOpened() { metrics.connectionOpened() }

    func connectionClosed() { metrics.connectionClosed() }

    func requestCompleted(_ record: RequestRecord) {
        metrics.requestCompleted(
            route: record.route, method: record.method?.rawValue ?? "other", status: record.status.code,
            duration: record.duration)
        guard logging.includes(record) else { return }
        var metadata: Logger.Metadata = [
            "id": "\(record.id)", "method": "\(record.method?.rawValue ?? "-")", "target": "\(record.target ?? "-")",
            "status": .stringConvertible(record.status.code),
            "ms": .stringConvertible(record.duration.milliseconds),
            "bytes_in": .stringConvertible(record.bytesIn), "bytes_out": .stringConvertible(record.bytesOut),
            "client": "\(record.remoteAddress)",
        ]
        if let trace = record.trace {
            metadata["trace_id"] = "\(trace.traceID)"
            metadata["parent_id"] = "\(trace.parentID)"
        }
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

/// Which requests are logged.
public enum AccessLogging: String, Sendable, CaseIterable {
    /// Every request.
    case all = "true"
    /// Predictions, and requests that were answered with an error: not the probes and scrapes that succeed.
    case predictions
    /// None.
    case none = "false"

    /// Whether a request is logged.
    func includes(_ record: RequestRecord) -> Bool {
        switch self {
        case .all: true
        case .predictions:
            record.status.code >= 400
                || record.route.flatMap(RoutePattern.init).map(RoutePattern.predictions.contains) ?? false
        case .none: false
        }
    }
}
