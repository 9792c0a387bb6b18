import Foundation
import Server

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
