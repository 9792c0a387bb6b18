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

    /// What is accepted keeps every setting within its limits: accepted again as flags.
    private static func settings(_ bytes: [UInt8]) {
        guard let file = try? SettingsFile(path: "fuzz.yaml", bytes: bytes) else { return }
        var settings = Settings()
        for key in SettingKey.all {
            guard let (written, _) = SettingsLayer.file(file).find(key), key.assign(written, &settings) else {
                continue
            }
            var again = Settings()
            require(key.assign(written, &again), "\(key.name) takes \(written) twice")
        }
    }
}
