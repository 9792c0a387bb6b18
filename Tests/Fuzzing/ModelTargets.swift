import Foundation

@testable import Inference
@testable import Server

extension FuzzTarget {
    /// The small files beside the weights, and the configuration.
    static let modelTargets = [
        FuzzTarget(name: "class-map", run: classMap),
        FuzzTarget(name: "model-json", run: modelDescription),
        FuzzTarget(name: "settings", run: settings),
    ]

    /// A class map that is written out is read the same again.
    private static func classMap(_ bytes: [UInt8]) {
        guard let map = try? ClassMap(bytes) else { return }
        require(map.count > 0, "a class map has a class")
        require((try? ClassMap(Array(map.json.utf8))) == map, "\(map.names) is read back")
    }

    private static func modelDescription(_ bytes: [UInt8]) {
        guard let description = try? ModelDescription(json: bytes) else { return }
        _ = try? description.inputSize?.checked()
        _ = try? description.checkOutput(count: 2)
    }

    /// No value that a file can hold stops the reading of any setting.
    private static func settings(_ bytes: [UInt8]) {
        guard let file = try? SettingsFile(path: "fuzz.yaml", bytes: bytes) else { return }
        var settings = Settings()
        for key in SettingKey.all {
            guard let (written, _) = SettingsLayer.file(file).find(key) else { continue }
            _ = key.assign(written, &settings)
        }
    }
}
