import Host
import Logging

extension Settings {
    /// With no more connections than there are descriptors for; says so where that makes a difference.
    func fittingDescriptors(_ limit: DescriptorLimit?, _ logger: Logger) -> Settings {
        guard let limit, limit.connectionCapacity < server.maxConnections else { return self }
        logger.warning(
            """
            fewer connections than server.max_connections are taken at once, for the process may not open more files: raise the \
            hard limit (ulimit -Hn, LimitNOFILE= of systemd)
            """,
            metadata: [
                "connections": .stringConvertible(limit.connectionCapacity),
                "max_connections": .stringConvertible(server.maxConnections),
                "open_files": .stringConvertible(limit.soft),
            ])
        var settings = self
        settings.server.maxConnections = limit.connectionCapacity
        return settings
    }
}
