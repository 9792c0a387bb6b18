import Host
import Logging

extension Settings {
    /// Limits the connections to the available file descriptors, and logs a warning where that changes the setting.
    func fittingDescriptors(_ limit: DescriptorLimit?, _ logger: Logger) -> Settings {
        guard let limit, limit.connectionCapacity < server.maxConnections else { return self }
        logger.warning(
            """
            the process may not open enough files for server.max_connections; fewer connections are taken: raise the hard \
            limit (ulimit -Hn, LimitNOFILE= of systemd)
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
