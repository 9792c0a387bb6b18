import Logging

/// One log line before it is written in a ``LogFormat``.
struct LogLine {
    let time: LogTimestamp
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata

    /// The line with its newline.
    func formatted(as format: LogFormat) -> String {
        switch format {
        case .text: text + "\n"
        case .json: json + "\n"
        }
    }

    /// Metadata in an order that does not change from line to line.
    private var fields: [(key: String, value: Logger.Metadata.Value)] { Self.sorted(metadata) }

    private static func sorted(_ metadata: Logger.Metadata) -> [(key: String, value: Logger.Metadata.Value)] {
        metadata.sorted { $0.key < $1.key }
    }
}

// Text: 2026-11-21T06:31:00.123Z info  message key=value
extension LogLine {
    private var text: String {
        let level = level.rawValue
        let padding = String(repeating: " ", count: max(0, "debug".count - level.count))
        let words = fields.map { " \(LogEscaping.word($0.key))=\(LogEscaping.word(Self.text($0.value)))" }
        return "\(time) \(level)\(padding) \(LogEscaping.escaped(message, quotes: false))" + words.joined()
    }

    private static func text(_ value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let string): string
        case .stringConvertible(let value): value.description
        case .array(let values): "[" + values.map(text).joined(separator: ", ") + "]"
        case .dictionary(let values):
            "{" + sorted(values).map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
        }
    }
}

// JSON: {"time":"2026-11-21T06:31:00.123Z","level":"info","message":"message","key":"value"}
extension LogLine {
    private static let ownFields: Set<String> = ["time", "level", "message"]

    private var json: String {
        let own = [
            ("time", LogEscaping.quoted(time.description)), ("level", LogEscaping.quoted(level.rawValue)),
            ("message", LogEscaping.quoted(message)),
        ]
        // An object's names must be unique, so metadata yields its name to the line's own field.
        let names = Set(metadata.keys)
        let others = fields.map { key, value in
            var name = key
            while Self.ownFields.contains(name) || (name != key && names.contains(name)) { name += "_" }
            return (name, Self.json(value))
        }
        return Self.object(own + others)
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { "\(LogEscaping.quoted($0)):\($1)" }.joined(separator: ",") + "}"
    }

    private static func json(_ value: Logger.Metadata.Value) -> String {
        switch value {
        case .string(let string): LogEscaping.quoted(string)
        case .stringConvertible(let value): literal(value) ?? LogEscaping.quoted(value.description)
        case .array(let values): "[" + values.map(json).joined(separator: ",") + "]"
        case .dictionary(let values): object(sorted(values).map { ($0.key, json($0.value)) })
        }
    }

    /// Numbers and truth values as JSON has them; nil for everything else, infinities included.
    private static func literal(_ value: any CustomStringConvertible) -> String? {
        switch value {
        case let value as Bool: "\(value)"
        case let value as any BinaryInteger: "\(value)"
        case let value as Double where value.isFinite: "\(value)"
        case let value as Float where value.isFinite: "\(value)"
        default: nil
        }
    }
}
