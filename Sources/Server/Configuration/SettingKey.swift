import HTTPServer

/// One key of the configuration: its name, meaning and limits, and its property in ``Settings``.
public struct SettingKey: Sendable {
    /// Section and key, as in `server.port`.
    public let name: String
    /// One sentence for the people who edit the configuration.
    public let meaning: String
    /// The form, unit and limits of a value; completes the sentence "must be …".
    public let expectation: String
    /// The default, as it is written in `config/alexnet.yaml`.
    public var defaultText: String { text(Settings()) }

    /// Parses and stores a value; false if it is not as expected.
    let assign: @Sendable (_ written: String, _ settings: inout Settings) -> Bool
    /// The stored value as text.
    let text: @Sendable (Settings) -> String

    init<Value>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ form: SettingForm<Value>,
        _ meaning: String
    ) {
        self.name = name
        self.meaning = meaning
        self.expectation = form.expectation
        assign = { written, settings in
            guard let value = form.parse(written) else { return false }
            settings[keyPath: path] = value
            return true
        }
        text = { form.write($0[keyPath: path]) }
    }

    /// The part before the dot.
    public var section: String { String(name.prefix { $0 != "." }) }

    /// The part after the dot.
    public var key: String { String(name.drop { $0 != "." }.dropFirst()) }

    /// The environment variable that sets it, as in `ALEXNET_SERVER_PORT`.
    public var variable: String { Self.variablePrefix + name.uppercased().replacing(".", with: "_") }

    /// The prefix of all environment variables of the program.
    static let variablePrefix = "ALEXNET_"
}

/// The text form of a value: its syntax, unit and limits.
struct SettingForm<Value>: Sendable {
    /// The form, unit and limits of a value; completes the sentence "must be …".
    let expectation: String
    /// Parses text; nil if it is not as expected.
    let parse: @Sendable (String) -> Value?
    /// Formats a value so that ``parse`` reads it back.
    let write: @Sendable (Value) -> String
}

extension SettingForm<Int> {
    /// A whole number in plain decimal digits.
    static func count(_ limits: ClosedRange<Int>) -> Self {
        Self(
            expectation: "a whole number from \(limits.lowerBound) to \(limits.upperBound)",
            parse: { written in Quantity.number(written[...]).flatMap { limits.contains($0) ? $0 : nil } },
            write: { "\($0)" })
    }

    /// A number of bytes, with or without a binary unit.
    static func size(_ limits: ClosedRange<Int>) -> Self {
        let (least, most) = (Quantity.text(bytes: limits.lowerBound), Quantity.text(bytes: limits.upperBound))
        return Self(
            expectation: "a size from \(least) to \(most), in KiB, MiB, GiB or plain bytes",
            parse: { written in Quantity.bytes(written).flatMap { limits.contains($0) ? $0 : nil } },
            write: { Quantity.text(bytes: $0) })
    }
}

extension SettingForm<Int?> {
    /// A whole number, or `auto` (also written 0) for nil.
    static func automaticCount(_ limits: ClosedRange<Int>) -> Self {
        Self(
            expectation: "auto (or 0) or a whole number from \(limits.lowerBound) to \(limits.upperBound)",
            parse: { written in
                if written == "auto" || written == "0" { return .some(nil) }
                return Quantity.number(written[...]).flatMap { limits.contains($0) ? .some($0) : nil }
            },
            write: { $0.map { "\($0)" } ?? "auto" })
    }

    /// A number of bytes, with or without a binary unit, or `auto` for nil.
    static func automaticSize(_ limits: ClosedRange<Int>) -> Self {
        let size = SettingForm<Int>.size(limits)
        return Self(
            expectation: "auto or " + size.expectation,
            parse: { $0 == "auto" ? .some(nil) : size.parse($0).map { .some($0) } ?? nil },
            write: { $0.map(size.write) ?? "auto" })
    }
}

extension SettingForm<Duration> {
    /// A time with its unit, or a plain 0.
    static func duration(_ limits: ClosedRange<Duration>) -> Self {
        let (least, most) = (Quantity.text(duration: limits.lowerBound), Quantity.text(duration: limits.upperBound))
        return Self(
            expectation: "a time from \(least) to \(most), in ms, s, m or h",
            parse: { written in Quantity.duration(written).flatMap { limits.contains($0) ? $0 : nil } },
            write: { Quantity.text(duration: $0) })
    }
}

extension SettingForm<Bool> {
    /// `true` or `false`.
    static var flag: Self {
        Self(
            expectation: "true or false",
            parse: { $0 == "true" ? true : $0 == "false" ? false : nil },
            write: { "\($0)" })
    }
}

extension SettingForm where Value: CaseIterable & RawRepresentable<String> & Sendable {
    /// One of an enumeration's raw values.
    static func choice(_: Value.Type, remark: String? = nil) -> Self {
        let words = Value.allCases.map(\.rawValue)
        let list =
            words.count > 1 ? words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "") : words.joined()
        return Self(
            expectation: list + (remark.map { " (\($0))" } ?? ""),
            parse: { Value(rawValue: $0) },
            write: { $0.rawValue })
    }
}

extension SettingForm<String> {
    /// A path or name that is not empty.
    static var text: Self {
        Self(expectation: "not empty and on one line", parse: { isLine($0) && !$0.isEmpty ? $0 : nil }, write: { $0 })
    }

    /// A host name or a literal address.
    static var host: Self {
        Self(
            expectation: "a host name or an address, without port or brackets, or unix: and the path of a socket",
            parse: { written in
                if written.hasPrefix("unix:") { return isSocketPath(written.dropFirst(5)) ? written : nil }
                let isHost = written.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    default: ".-_:%".utf8.contains(byte)
                    }
                }
                // An IPv6 address has at least two colons; a single one precedes a port.
                let hasPort = written.utf8.count { $0 == UInt8(ascii: ":") } == 1
                return isHost && !hasPort && 1...255 ~= written.utf8.count ? written : nil
            },
            write: { $0 })
    }

    /// The path of a Unix socket, absolute so that clients find the same one.
    private static func isSocketPath(_ path: Substring) -> Bool {
        path.hasPrefix("/") && !path.hasSuffix("/") && isLine(String(path))
    }

    fileprivate static func isLine(_ written: String) -> Bool {
        written.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}

extension SettingForm<[AddressBlock]> {
    /// Addresses and networks, with commas between them.
    static var addressBlocks: Self {
        Self(
            expectation: "empty or addresses and networks (10.0.0.0/8) with commas between them",
            parse: { written in
                let words = written.split(separator: ",", omittingEmptySubsequences: false).map {
                    String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
                }
                guard words != [""] else { return [] }
                let blocks = words.compactMap(AddressBlock.init)
                return blocks.count == words.count ? blocks : nil
            },
            write: { $0.map(\.description).joined(separator: ", ") })
    }
}

extension SettingForm<CrossOriginPolicy?> {
    /// Origins with commas between them, or `*`.
    static var origins: Self {
        Self(
            expectation: "empty, * or origins (https://shop.example) with commas between them, without paths",
            parse: { written in
                switch written {
                case "": .some(nil)
                case "*": .some(.everyone)
                default: CrossOriginPolicy(written).map { .some($0) } ?? nil
                }
            },
            write: { $0?.description ?? "" })
    }
}

extension SettingForm<String?> {
    /// A path or name; empty for nil.
    static var optionalText: Self {
        Self(
            expectation: "empty or a name on one line",
            parse: { written in
                guard SettingForm<String>.isLine(written) else { return nil }
                return .some(written.isEmpty ? nil : written)
            },
            write: { $0 ?? "" })
    }
}

extension SettingForm<PollerKind> {
    /// One of the pollers that this system has.
    static var poller: Self {
        let choice = choice(PollerKind.self, remark: "epoll exists on Linux only")
        return Self(
            expectation: choice.expectation,
            parse: { written in choice.parse(written).flatMap { $0.isAvailable ? $0 : nil } },
            write: choice.write)
    }
}
