/// Parses and formats sizes and times of the configuration, strictly: digits, then a unit, and nothing else.
///
/// Signs, fractions, spaces, leading zeros and numbers that do not fit an `Int` are refused.
enum Quantity {
    private static let byteUnits: [(suffix: String, factor: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]
    private static let timeUnits: [(suffix: String, milliseconds: Int)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Parses plain decimal digits.
    static func number(_ written: Substring) -> Int? {
        let digits = written.utf8
        guard let first = digits.first, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        if first == UInt8(ascii: "0") && digits.count > 1 { return nil }
        return Int(written)
    }

    /// Parses `16KiB`, `32MiB`, `1GiB` or plain bytes.
    static func bytes(_ written: String) -> Int? {
        let (digits, suffix) = split(written)
        guard let number = number(digits) else { return nil }
        if suffix.isEmpty { return number }
        guard let unit = byteUnits.first(where: { $0.suffix == suffix }) else { return nil }
        return product(number, unit.factor)
    }

    /// Parses `250ms`, `10s`, `2m`, `1h` or a plain 0.
    static func duration(_ written: String) -> Duration? {
        if written == "0" { return .zero }
        let (digits, suffix) = split(written)
        guard let number = number(digits), let unit = timeUnits.first(where: { $0.suffix == suffix }) else {
            return nil
        }
        return product(number, unit.milliseconds).map { .milliseconds($0) }
    }

    /// Formats bytes in the largest unit that needs no fraction.
    static func text(bytes: Int) -> String {
        for unit in byteUnits where bytes >= unit.factor && bytes % unit.factor == 0 {
            return "\(bytes / unit.factor)\(unit.suffix)"
        }
        return "\(bytes)"
    }

    /// Formats a time of whole milliseconds in the largest unit that needs no fraction; below two minutes in seconds.
    static func text(duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
        if seconds >= 3600 && seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds >= 120 && seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    private static func split(_ written: String) -> (digits: Substring, suffix: Substring) {
        let digits = written.prefix { $0.isASCII && $0.isNumber }
        return (digits, written[digits.endIndex...])
    }

    private static func product(_ number: Int, _ factor: Int) -> Int? {
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
