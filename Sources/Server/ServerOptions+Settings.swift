import HTTPServer

extension ServerOptions {
    /// What the configuration says about connections, and about pictures in a form.
    init(_ settings: Settings) {
        self.init()
        host = settings.server.host
        port = settings.server.port
        maxConnections = settings.server.maxConnections
        headerTimeout = settings.server.headerTimeout
        bodyTimeout = settings.server.bodyTimeout
        writeTimeout = settings.server.writeTimeout
        idleTimeout = settings.server.idleTimeout
        maxHeaderBytes = settings.server.maxHeaderBytes
        maxTargetBytes = min(maxTargetBytes, settings.server.maxHeaderBytes)
        maxBodyBytes = settings.server.maxBodyBytes
        maxBufferedBytes = settings.server.maxBufferedBytes
        // A form may hold a few fields beside its pictures.
        maxParts = settings.images.maxPerRequest + 16
    }
}
