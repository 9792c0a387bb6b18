import Foundation
import Server

/// Whether every connection can have a descriptor.
struct OpenFilesCheck: Check {
    /// The soft limit of open files.
    let limit: Int
    /// `server.max_connections`.
    let maxConnections: Int

    /// What the program opens besides: models, logs, the kernel's own files, libraries.
    static let reserve = 64

    static func here(_ settings: Settings) -> Self {
        let limit = sysconf(Int32(_SC_OPEN_MAX))
        // -1 means without limit.
        return Self(limit: limit < 0 ? Int.max : limit, maxConnections: settings.server.maxConnections)
    }

    var finding: Finding {
        let wanted = maxConnections + Self.reserve
        let found = "\(limit == .max ? "any number" : "\(limit)"), for \(maxConnections) connections"
        if limit >= wanted { return .ok("open files", found) }
        let advice =
            "Raise the limit to \(wanted) (ulimit -n \(wanted); LimitNOFILE=\(wanted) in a systemd unit), or lower "
            + "server.max_connections."
        return limit <= Self.reserve
            ? .failed("open files", found, advice: advice) : .warning("open files", found, advice: advice)
    }
}
