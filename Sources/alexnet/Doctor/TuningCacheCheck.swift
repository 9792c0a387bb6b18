import Foundation
import Server

/// Whether measurements of algorithms can be kept between starts.
struct TuningCacheCheck: Check {
    /// nil where none is named and there is no home.
    let directory: String?
    /// Whether it, or what it would be made in, can be written to.
    let isWritable: Bool
    /// Whether anything is measured at all.
    let isUsed: Bool

    static func here(_ settings: Settings, environment: [String: String]) -> Self {
        let directory = settings.models.tuningDirectory(in: environment)
        return Self(
            directory: directory, isWritable: directory.map(isWritable) ?? false,
            isUsed: settings.models.tuningLimit > .zero)
    }

    /// Asks without writing: a folder that is missing can be made where the nearest one above can be written to.
    private static func isWritable(_ path: String) -> Bool {
        var url = URL(fileURLWithPath: path).standardizedFileURL
        while access(url.path, F_OK) != 0, url.path != "/" { url.deleteLastPathComponent() }
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && isDirectory.boolValue
            && access(url.path, W_OK | X_OK) == 0
    }

    var finding: Finding {
        let name = "tuning cache"
        guard isUsed else { return .ok(name, "not used, for models.tuning_limit is 0s") }
        guard let directory else {
            return .warning(name, "none", advice: "Set models.tuning_cache, or HOME: each start measures anew without.")
        }
        guard isWritable else {
            return .warning(
                name, "\(directory) cannot be written to",
                advice: "Make it writable, or set models.tuning_cache: each start measures anew without.")
        }
        return .ok(name, directory)
    }
}
