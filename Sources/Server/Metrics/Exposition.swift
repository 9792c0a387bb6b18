/// Prometheus' text format, version 0.0.4.
///
/// - Source: Prometheus documentation, "Exposition formats", §Text-based format; "Data model", §Metric names and labels
enum Exposition {
    /// A family's HELP, TYPE and samples, one a line; empty if it has no samples.
    static func text(_ family: MetricFamily) -> String {
        if family.samples.isEmpty { return "" }
        var text = "# HELP \(family.name) \(escapedHelp(family.help))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
        for sample in family.samples {
            text += family.name + sample.suffix
            if !sample.labels.isEmpty {
                let labels = sample.labels.map { "\($0.name)=\"\(escapedLabel($0.value))\"" }
                text += "{" + labels.joined(separator: ",") + "}"
            }
            text += " \(number(sample.value))\n"
        }
        return text
    }

    /// A number as Go's `ParseFloat` reads it; whole numbers have no fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Up to 2^53 every whole number is exact.
        if value == value.rounded() && abs(value) <= 9_007_199_254_740_992 { return "\(Int64(value))" }
        return "\(value)"
    }

    /// Letters, digits, `_` and `:`, not beginning with a digit.
    static func isMetricName(_ name: String) -> Bool { isName(name, extra: UInt8(ascii: ":")) }

    /// Letters, digits and `_`, not beginning with a digit; the prefix `__` is reserved by Prometheus.
    static func isLabelName(_ name: String) -> Bool { isName(name, extra: nil) && !name.hasPrefix("__") }

    private static func isName(_ name: String, extra: UInt8?) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: byte == extra
            }
        }
    }

    private static func escapedHelp(_ help: String) -> String { escaped(help, quotes: false) }

    private static func escapedLabel(_ value: String) -> String { escaped(value, quotes: true) }

    /// Escapes by Unicode scalars, because `\r\n` is one `Character`.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: result.append(contentsOf: "\\\"".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}

/// One metric with its samples at the time of a scrape.
public struct MetricFamily: Sendable, Equatable {
    /// Metric types. There is no summary: summaries cannot be aggregated over processes.
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// One line of the exposition.
    public struct Sample: Sendable, Equatable {
        /// Appended to the family's name, such as `_bucket`.
        var suffix = ""
        var labels: [Label] = []
        var value: Double
    }

    /// A label's name and value.
    struct Label: Sendable, Equatable {
        let name: String
        let value: String
    }

    let name: String
    let help: String
    let kind: Kind
    let samples: [Sample]
}
