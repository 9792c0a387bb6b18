import Configuration

/// One layer of the configuration.
struct SettingsLayer {
    let snapshot: any ConfigSnapshot
    /// Tells where a key stands in this layer.
    let origin: (SettingKey) -> SettingOrigin

    static func flags(_ flags: [String: String]) -> SettingsLayer {
        let values = flags.map { (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), $0.value) }
        let provider = InMemoryProvider(
            values: Dictionary(
                values.map { ($0, ConfigValue(.string($1), isSecret: false)) }, uniquingKeysWith: { _, last in last }))
        return SettingsLayer(snapshot: provider.snapshot(), origin: { _ in .flag })
    }

    static func environment(_ variables: [String: String]) -> SettingsLayer {
        let provider = EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "alexnet")
        return SettingsLayer(snapshot: provider.snapshot(), origin: { .environment(variable: $0.variable) })
    }

    static func file(_ file: SettingsFile) -> SettingsLayer {
        SettingsLayer(snapshot: file.snapshot, origin: { .file(path: file.path, line: file.lines[$0.name]) })
    }

    /// The value as it was written, if this layer has one.
    func find(_ key: SettingKey) -> (written: String, origin: SettingOrigin)? {
        // Every layer holds strings only, so the type asked for is the type there is.
        let result = try? snapshot.value(forKey: AbsoluteConfigKey([key.section, key.key]), type: .string)
        guard case .string(let written)? = result?.value?.content else { return nil }
        return (written, origin(key))
    }
}
