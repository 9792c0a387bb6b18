import Files
import Foundation
import Logging

/// One line of the log, before it is formatted as text or as JSON.
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

    /// The metadata in alphabetical order, so that all lines have the same order.
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
        // Names in an object must be unique: metadata with the name of one of the line's own fields gets an underscore.
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

    /// Numbers and booleans as JSON literals; nil for everything else, infinities included.
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

/// A wall-clock time as the log writes it: UTC, with milliseconds.
///
/// - Source: RFC 3339 §5.6
struct LogTimestamp: Sendable, CustomStringConvertible {
    /// The time since 1970, UTC. Units: milliseconds.
    let milliseconds: Int

    init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// The time now.
    static var now: LogTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTimestamp(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    /// `2026-11-21T06:31:00.123Z`
    var description: String {
        let (seconds, millisecond) = Self.floorDivide(milliseconds, 1000)
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let date =
            "\(Self.padded(Int(parts.tm_year) + 1900, 4))-\(Self.padded(Int(parts.tm_mon) + 1, 2))"
            + "-\(Self.padded(Int(parts.tm_mday), 2))"
        let clock =
            "\(Self.padded(Int(parts.tm_hour), 2)):\(Self.padded(Int(parts.tm_min), 2))"
            + ":\(Self.padded(Int(parts.tm_sec), 2)).\(Self.padded(millisecond, 3))"
        return "\(date)T\(clock)Z"
    }

    private static func floorDivide(_ dividend: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Escapes text from clients, so that it cannot forge a line of the log.
///
/// Characters that end a line, move a cursor, or reorder the text around them are written as `\n`, `\t` or `\u001b`, in
/// text and in JSON alike. All other characters stay as they are.
///
/// - Source: RFC 8259 §7; Unicode TR 36 §2.5 (bidirectional controls); CWE-117
enum LogEscaping {
    /// Escapes dangerous characters, and with `quotes` also `"` and `\`.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"" where quotes: result += "\\\""
            case "\\" where quotes: result += "\\\\"
            case _ where isDangerous(scalar): result += JSONText.escape(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The text in quotation marks.
    static func quoted(_ text: String) -> String { "\"" + escaped(text, quotes: true) + "\"" }

    /// A word of a text line, quoted only if it could not be read back as one word.
    static func word(_ text: String) -> String {
        let needsQuotes = text.unicodeScalars.contains { scalar in
            scalar == "\"" || scalar == "=" || scalar == "\\" || scalar.properties.isWhitespace || isDangerous(scalar)
        }
        return needsQuotes || text.isEmpty ? quoted(text) : text
    }

    private static func isDangerous(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
