import HTTPServer

extension ServerOptions {
    /// What the configuration says about connections, and about pictures in a form.
    ///
    /// - Parameter threadCount: how many threads decode and compute. Four of them need a thread for connections at the most, where the
    ///   network takes next to nothing.
    init(_ settings: Settings, threadCount: Int) {
        self.init()
        eventLoopCount = max(1, threadCount / 4)
        poller = settings.server.poller
        host = settings.server.host
        port = settings.server.port
        maxConnections = settings.server.maxConnections
        maxConnectionsPerAddress = settings.server.maxConnectionsPerAddress
        trustedProxies = settings.server.trustedProxies
        headerTimeout = settings.server.headerTimeout
        bodyTimeout = settings.server.bodyTimeout
        writeTimeout = settings.server.writeTimeout
        minBytesPerSecond = settings.server.minBodyRate
        idleTimeout = settings.server.idleTimeout
        maxHeaderBytes = settings.server.maxHeaderBytes
        maxHeaderFields = settings.server.maxHeaderFields
        maxTargetBytes = min(maxTargetBytes, settings.server.maxHeaderBytes)
        maxBodyBytes = settings.server.maxBodyBytes
        maxBufferedBytes = settings.server.maxBufferedBytes
        maxBufferedBytesPerAddress = settings.server.maxBufferedBytesPerAddress
        // A form may hold a few fields beside its pictures.
        maxParts = settings.images.maxPerRequest + 16
    }
}

extension SettingForm<PollerKind> {
    /// One of the pollers that this system has.
    static var poller: Self {
        let choice = choice(PollerKind.self, remark: "epoll exists on Linux only")
        return Self(
            expectation: choice.expectation,
            parse: { written in choice.parse(written).flatMap { $0.isAvailable ? $0 : nil } },
            write: choice.write)
    }
}
