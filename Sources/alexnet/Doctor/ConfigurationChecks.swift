import Foundation
import Server

/// Whether file, environment and flags make a configuration.
struct ConfigurationCheck: Check {
    /// The file that was read; nil where there is none.
    let path: String?
    let result: Result<Settings, SettingsError>

    var finding: Finding {
        let name = "configuration"
        let source = path ?? "defaults, for there is no \(Settings.usualFile)"
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
        let usual = FileManager.default.fileExists(atPath: Settings.usualFile) ? Settings.usualFile : nil
        path = file ?? usual
        result = Result { () throws(SettingsError) in
            try Settings.load(file: file, environment: environment, flags: flags)
        }
    }
}

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

/// Whether the admin token can be read, by this program and not by everybody.
struct AdminTokenCheck: Check {
    let path: String
    /// Why it cannot be used; nil where it can.
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
