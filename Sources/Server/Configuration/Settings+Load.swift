import Configuration
import Files
import Host
import Inference

extension Settings {
    /// The file that is read if none is named.
    public static let defaultFile = "config/alexnet.yaml"

    /// Reads the configuration: defaults, then the file, then the environment, then flags; a later value replaces an
    /// earlier one. In the environment, a port that the platform gives comes first.
    ///
    /// - Parameters:
    ///   - file: the YAML file; nil means `config/alexnet.yaml` in the working directory, if it exists.
    ///   - environment: variables such as `ALEXNET_SERVER_PORT`, and the platform's ``PlatformPort``. Three kinds are
    ///     ignored: other variables without the prefix,
    ///     those that Kubernetes sets for a service called `alexnet` (``ServiceLink``), and the one that limits the
    ///     CPU's instruction sets.
    ///   - flags: values by key, such as `"server.port": "8081"`.
    /// - Throws: ``SettingsError`` for an unknown key, a value outside its limits, or values that contradict each
    ///   other.
    public static func load(
        file: String?, environment: [String: String], flags: [String: String]
    ) throws(SettingsError) -> Settings {
        try load(file: file, defaultFile: defaultFile, environment: environment, flags: flags)
    }

    static func load(
        file: String?, defaultFile: String, environment: [String: String], flags: [String: String]
    ) throws(SettingsError) -> Settings {
        let file = try read(file: file, defaultFile: defaultFile)
        let variables = environment.filter {
            $0.key.hasPrefix(SettingKey.variablePrefix) && $0.key != ComputeEnvironment.instructionsVariable
                && !ServiceLink.describes($0.key, value: $0.value)
        }
        try refuseUnknown(variables: variables.keys.sorted(), flags: flags.keys.sorted())

        // In ascending order of precedence. A wrong value is reported even if a later layer replaces it.
        let layers = [
            file.map(SettingsLayer.file), PlatformPort(in: environment).map(SettingsLayer.platform),
            .environment(variables), .flags(flags),
        ].compactMap(\.self)
        var settings = Settings()
        var origins: [String: SettingOrigin] = [:]
        for layer in layers {
            for key in SettingKey.all {
                guard let (written, origin) = layer.find(key) else { continue }
                guard key.assign(written, &settings) else {
                    throw .invalidValue(
                        key: key.name, found: SettingsError.quoted(written), expected: key.expectation, origin: origin)
                }
                origins[key.name] = origin
            }
        }
        try settings.refuseConflicts(origins: origins)
        return settings
    }

    private static func read(file: String?, defaultFile: String) throws(SettingsError) -> SettingsFile? {
        let path = file ?? defaultFile
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.contents(of: path, limit: SettingsFile.byteLimit)
        } catch {
            switch error {
            case .missing where file == nil: return nil
            case .missing: throw .unreadableFile(path: path, reason: "there is no such file")
            case .tooLarge(let limit):
                throw .unreadableFile(path: path, reason: "it has more than \(Quantity.text(bytes: limit))")
            case .system(let reason): throw .unreadableFile(path: path, reason: reason)
            }
        }
        return try SettingsFile(path: path, bytes: Array(try text(of: bytes, path: path).utf8))
    }

    private static func text(of bytes: [UInt8], path: String) throws(SettingsError) -> String {
        do throws(FileError) {
            return try TextFile(bytes, name: path).text
        } catch {
            guard case .notText(_, let found) = error else {
                throw .unreadableFile(path: path, reason: error.description)
            }
            throw .unreadableFile(path: path, reason: "it is not text in UTF-8: it \(found)")
        }
    }

    private static func refuseUnknown(variables: [String], flags: [String]) throws(SettingsError) {
        let knownVariables = SettingKey.all.map(\.variable)
        for variable in variables where !knownVariables.contains(variable) {
            throw .unknownKey(
                name: variable, nearest: NearestName.of(variable, among: knownVariables),
                origin: .environment(variable: variable))
        }
        for name in flags where SettingKey.byName[name] == nil {
            throw .unknownKey(
                name: name, nearest: NearestName.of(name, among: SettingKey.all.map(\.name)), origin: .flag)
        }
    }
}

/// One source of the configuration: flags, the environment, or a file.
struct SettingsLayer {
    let snapshot: any ConfigSnapshot
    /// Where this layer sets a key, for errors.
    let origin: (SettingKey) -> SettingOrigin

    static func flags(_ flags: [String: String]) -> SettingsLayer {
        let values = flags.map { (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), $0.value) }
        let provider = InMemoryProvider(
            values: Dictionary(
                values.map { ($0, ConfigValue(.string($1), isSecret: false)) }, uniquingKeysWith: { _, last in last }))
        return SettingsLayer(snapshot: provider.snapshot(), origin: { _ in .flag })
    }

    static func platform(_ port: PlatformPort) -> SettingsLayer {
        let provider = InMemoryProvider(
            values: [AbsoluteConfigKey(["server", "port"]): ConfigValue(.string(port.value), isSecret: false)])
        return SettingsLayer(snapshot: provider.snapshot(), origin: { _ in .environment(variable: port.variable) })
    }

    static func environment(_ variables: [String: String]) -> SettingsLayer {
        let provider = EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "alexnet")
        return SettingsLayer(snapshot: provider.snapshot(), origin: { .environment(variable: $0.variable) })
    }

    static func file(_ file: SettingsFile) -> SettingsLayer {
        SettingsLayer(snapshot: file.snapshot, origin: { .file(path: file.path, line: file.lines[$0.name]) })
    }

    /// The value as it was written; nil if this layer does not set the key.
    func find(_ key: SettingKey) -> (written: String, origin: SettingOrigin)? {
        // All layers hold strings only.
        let result = try? snapshot.value(forKey: AbsoluteConfigKey([key.section, key.key]), type: .string)
        guard case .string(let written)? = result?.value?.content else { return nil }
        return (written, origin(key))
    }
}

/// The port on which a platform for containers expects the server, in a variable of its own.
///
/// - Source: Google Cloud, Vertex AI, "Custom container requirements for prediction" (`AIP_HTTP_PORT`); Google Cloud Run,
///   "Container runtime contract", and Heroku, "Dynos", §Web dynos (`PORT`).
struct PlatformPort {
    let variable: String
    let value: String

    /// The variables, of which the first that is set counts.
    static let variables = ["AIP_HTTP_PORT", "PORT"]

    /// The port in an environment; nil if no platform gives one.
    init?(in environment: [String: String]) {
        for variable in Self.variables {
            guard let value = environment[variable], !value.isEmpty else { continue }
            self.variable = variable
            self.value = value
            return
        }
        return nil
    }
}

/// Recognises the environment variables that Kubernetes and Docker links set for a service with the program's name.
///
/// A service called `alexnet` gives its pods `ALEXNET_SERVICE_HOST`, `ALEXNET_PORT=tcp://10.0.0.1:80` and more; one
/// called `alexnet-server` even gives `ALEXNET_SERVER_PORT=tcp://…`. None of them is meant as configuration of this
/// program.
///
/// - Source: Kubernetes documentation, "Service", §Environment variables
enum ServiceLink {
    static func describes(_ variable: String, value: String) -> Bool {
        if variable.hasSuffix("_SERVICE_HOST") || variable.hasSuffix("_SERVICE_PORT") { return true }
        if variable.contains("_SERVICE_PORT_") { return true }
        if variable.hasSuffix("_PORT"), ["tcp://", "udp://", "sctp://"].contains(where: value.hasPrefix) {
            return true
        }
        return variable.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
    }
}
