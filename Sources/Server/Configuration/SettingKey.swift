/// One configurable key: its name, its meaning, its limits, and where its value lives in ``Settings``.
public struct SettingKey: Sendable {
    /// Section and key, as in `server.port`.
    public let name: String
    /// One sentence for whoever edits the configuration.
    public let meaning: String
    /// What may be written: the form, the unit and the limits.
    public let expectation: String
    /// The default, as it is written in `config/alexnet.yaml`.
    public var defaultText: String { text(Settings()) }

    /// Stores a written value; false if it is not one of the expected.
    let assign: @Sendable (_ written: String, _ settings: inout Settings) -> Bool
    /// Writes the value that is stored.
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

    /// What every environment variable of the program begins with.
    static let variablePrefix = "ALEXNET_"
}
