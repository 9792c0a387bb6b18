/// Where a configured value came from.
public enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    /// Nobody set it.
    case byDefault
    /// A configuration file; lines count from 1.
    case file(path: String, line: Int?)
    /// An environment variable.
    case environment(variable: String)
    /// The command line.
    case flag

    /// As an error names it: `config/alexnet.yaml:12`, `environment variable ALEXNET_SERVER_PORT`.
    public var description: String {
        switch self {
        case .byDefault: "the default"
        case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
        case .environment(let variable): "environment variable \(variable)"
        case .flag: "command line"
        }
    }
}
