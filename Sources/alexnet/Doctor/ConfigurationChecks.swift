import Foundation
import Server

/// Checks that the file, the environment and the flags form a valid configuration.
struct ConfigurationCheck: Check {
    /// The path of the file that was read; nil if there is none.
    let path: String?
    /// The configuration, or why it is invalid.
    let result: Result<Settings, SettingsError>

    var finding: Finding {
        let name = "configuration"
        let source = path ?? "defaults, because there is no \(Settings.defaultFile)"
        switch result {
        case .success: return .ok(name, source)
        case .failure(let error):
            let sentence = "\(error)"
            return .failed(name, source, advice: "Correct it: " + sentence + (sentence.hasSuffix("?") ? "" : "."))
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

/// Checks that measured times of algorithms can be cached between starts.
struct TuningCacheCheck: Check {
    /// The cache's directory; nil if none is configured and HOME is not set.
    let directory: String?
    /// Whether the directory can be written or created.
    let isWritable: Bool
    /// Whether tuning is on.
    let isUsed: Bool

    static func here(_ settings: Settings, environment: [String: String]) -> Self {
        let directory = settings.models.tuningDirectory(in: environment)
        return Self(
            directory: directory, isWritable: directory.map(isWritable) ?? false,
            isUsed: settings.models.tuningLimit > .zero)
    }

    /// Checks without writing. A missing directory can be created if its nearest existing parent is writable.
    private static func isWritable(_ path: String) -> Bool {
        var url = URL(fileURLWithPath: path).standardizedFileURL
        while access(url.path, F_OK) != 0, url.path != "/" { url.deleteLastPathComponent() }
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && isDirectory.boolValue
            && access(url.path, W_OK | X_OK) == 0
    }

    var finding: Finding {
        let name = "tuning cache"
        guard isUsed else { return .ok(name, "not used, because models.tuning_limit is 0s") }
        guard let directory else {
            return .warning(
                name, "none",
                advice: "Set models.tuning_cache or HOME: without a cache each start repeats the measurements.")
        }
        guard isWritable else {
            return .warning(
                name, "\(directory) cannot be written",
                advice:
                    "Make it writable, or set models.tuning_cache: without a cache each start repeats the measurements."
            )
        }
        return .ok(name, directory)
    }
}

/// Checks that the admin token is valid, and that not every user can read it.
struct AdminTokenCheck: Check {
    /// The token's file.
    let path: String
    /// Why the token cannot be used; nil if it can.
    let refusal: String?
    /// The file's mode bits.
    let permissions: Int

    var finding: Finding {
        if let refusal { return .failed("admin token", path, advice: refusal) }
        guard permissions & 0o004 == 0 else {
            return .warning(
                "admin token", "\(path) can be read by every user of this machine",
                advice: "Run: chmod o-r \(path)")
        }
        return .ok("admin token", path)
    }
}

extension AdminTokenCheck {
    init(path: String) {
        self.path = path
        do {
            _ = try AdminToken(file: path)
            refusal = nil
        } catch {
            refusal = "\(error)"
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        permissions = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? 0
    }
}
