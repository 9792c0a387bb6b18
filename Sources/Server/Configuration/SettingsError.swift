/// Why a configuration is refused. `found` is the value as it was written, `origin` the place where it was set.
public enum SettingsError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be read, or is too large.
    case unreadableFile(path: String, reason: String)
    /// The file is not YAML, or not one mapping of sections; lines count from 1.
    case malformedFile(path: String, line: Int?, reason: String)
    /// The key does not exist; `nearest` is the one that was probably meant.
    case unknownKey(name: String, nearest: String?, origin: SettingOrigin)
    /// The value has the wrong type or is outside its limits; `expected` completes the sentence "must be …".
    case invalidValue(key: String, found: String, expected: String, origin: SettingOrigin)
    /// Two values contradict each other; `requirement` is how the first must compare, such as "must not exceed".
    case conflict(
        key: String, found: String, origin: SettingOrigin, requirement: String, otherKey: String, otherFound: String,
        otherOrigin: SettingOrigin)

    /// One sentence: what was found, where, and what is expected.
    public var description: String {
        switch self {
        case .unreadableFile(let path, let reason):
            return "the configuration file \(path) cannot be read: \(reason)"
        case .malformedFile(let path, let line, let reason):
            return "\(SettingOrigin.file(path: path, line: line)): \(reason)"
        case .unknownKey(let name, let nearest, let origin):
            let hint = nearest.map { "; did you mean \($0)?" } ?? ""
            if case .environment = origin { return "unknown environment variable \(name)\(hint)" }
            return "\(origin): unknown key \(name)\(hint)"
        case .invalidValue(let key, let found, let expected, let origin):
            return "\(key) is \(found) (\(origin)), but must be \(expected)"
        case .conflict(let key, let found, let origin, let requirement, let otherKey, let otherFound, let otherOrigin):
            return "\(key) is \(found) (\(origin)), but \(requirement) \(otherKey), "
                + "which is \(otherFound) (\(otherOrigin))"
        }
    }

    /// A value as an error shows it: in quotation marks, control characters escaped, cut after 80 characters.
    static func quoted(_ written: String) -> String {
        let limit = 80
        return written.count <= limit ? written.debugDescription : String(written.prefix(limit)).debugDescription + "…"
    }
}

/// The source of a configured value.
public enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    /// The default of the program.
    case byDefault
    /// A configuration file; lines count from 1.
    case file(path: String, line: Int?)
    /// An environment variable.
    case environment(variable: String)
    /// The command line.
    case flag

    /// The place as an error names it: `config/alexnet.yaml:12`, `environment variable ALEXNET_SERVER_PORT`.
    public var description: String {
        switch self {
        case .byDefault: "the default"
        case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
        case .environment(let variable): "environment variable \(variable)"
        case .flag: "command line"
        }
    }
}
