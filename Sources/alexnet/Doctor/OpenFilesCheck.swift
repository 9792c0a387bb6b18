import Host
import Server

/// Whether every connection can have a descriptor.
struct OpenFilesCheck: Check {
    /// The limit of open files, as far as the server may raise it.
    let limit: Int
    /// `server.max_connections`.
    let maxConnections: Int

    /// What the program opens besides.
    static let reserve = DescriptorLimit.reserve

    static func here(_ settings: Settings) -> Self {
        // The server raises its own limit as far as it may.
        let limit = DescriptorLimit.current?.raised(for: settings.server.maxConnections).soft
        return Self(limit: limit ?? .max, maxConnections: settings.server.maxConnections)
    }

    var finding: Finding {
        let wanted = maxConnections + Self.reserve
        let found = "\(limit == .max ? "any number" : "\(limit)"), for \(maxConnections) connections"
        if limit >= wanted { return .ok("open files", found) }
        let advice =
            "Raise the hard limit to \(wanted) (ulimit -Hn \(wanted); LimitNOFILE=\(wanted) in a systemd unit), or lower "
            + "server.max_connections."
        return limit <= Self.reserve
            ? .failed("open files", found, advice: advice) : .warning("open files", found, advice: advice)
    }
}
