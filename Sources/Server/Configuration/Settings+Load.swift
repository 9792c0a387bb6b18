import Files
import Host
import Inference

extension Settings {
    /// What is read when no file is named.
    public static let usualFile = "config/alexnet.yaml"

    /// Reads the configuration: defaults, then the file, then the environment, then flags; the later wins.
    ///
    /// - Parameters:
    ///   - file: the YAML file; nil takes `config/alexnet.yaml` of the working directory, if there is one.
    ///   - environment: variables such as `ALEXNET_SERVER_PORT`; those without the prefix are ignored, and so are those
    ///     with which Kubernetes describes a service that is called `alexnet` (``ServiceLink``), and the one that limits
    ///     the CPU's instructions.
    ///   - flags: values by key, such as `"server.port": "8081"`.
    /// - Throws: ``SettingsError`` for a key nobody knows, a value out of its limits, or values that contradict.
    public static func load(
        file: String?, environment: [String: String], flags: [String: String]
    ) throws(SettingsError) -> Settings {
        try load(file: file, usualFile: usualFile, environment: environment, flags: flags)
    }

    static func load(
        file: String?, usualFile: String, environment: [String: String], flags: [String: String]
    ) throws(SettingsError) -> Settings {
        let file = try read(file: file, usualFile: usualFile)
        let variables = environment.filter {
            $0.key.hasPrefix(SettingKey.variablePrefix) && $0.key != ComputeEnvironment.instructionsVariable
                && !ServiceLink.describes($0.key, value: $0.value)
        }
        try refuseUnknown(variables: variables.keys.sorted(), flags: flags.keys.sorted())

        // From the weakest to the strongest, so that a wrong value is told even where a later layer hides it.
        let layers = [file.map(SettingsLayer.file), .environment(variables), .flags(flags)].compactMap(\.self)
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

    private static func read(file: String?, usualFile: String) throws(SettingsError) -> SettingsFile? {
        let path = file ?? usualFile
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
