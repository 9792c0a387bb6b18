import Foundation
import Server

/// Whether file, environment and flags make a configuration.
struct ConfigurationCheck: Check {
    /// The file that was read; nil where there is none.
    let path: String?
    let result: Result<Settings, SettingsError>

    var finding: Finding {
        let name = "configuration"
        let source = path ?? "defaults, for there is no \(Settings.defaultFile)"
        switch result {
        case .success: return .ok(name, source)
        case .failure(let error):
            let sentence = "\(error)"
            return .failed(name, source, advice: "Change it: " + sentence + (sentence.hasSuffix("?") ? "" : "."))
        }
    }
}

extension ConfigurationCheck {
    init(file: String?, environment: [String: String], flags: [String: String]) {
        let usual = FileManager.default.fileExists(atPath: Settings.defaultFile) ? Settings.defaultFile : nil
        path = file ?? usual
        result = Result { () throws(SettingsError) in
            try Settings.load(file: file, environment: environment, flags: flags)
        }
    }
}
