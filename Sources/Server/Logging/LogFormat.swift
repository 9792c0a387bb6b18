/// How a log line is written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people: `2026-11-21T06:31:00.123Z info  message key=value`.
    case text
    /// For machines: one JSON object a line.
    case json
}
