extension Settings {
    /// A configuration file that sets every key to its default and explains it: the text of `config/alexnet.yaml`.
    public static var commentedDefaults: String {
        var text = """
            # Every key of the configuration with its default.
            #
            # A key can be left out, and be set by an environment variable instead (ALEXNET_SERVER_PORT for server.port),
            # which wins over this file; a flag wins over both. A key that does not exist is an error.

            """
        for section in SettingKey.sections {
            text += "\n\(section):\n"
            for key in SettingKey.all where key.section == section {
                let value = key.defaultText.isEmpty ? "\"\"" : key.defaultText
                text += "  # \(key.meaning)\n  # Value: \(key.expectation).\n  \(key.key): \(value)\n"
            }
        }
        return text
    }
}
