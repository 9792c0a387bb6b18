import HTTPServer

extension Settings.HTTP {
    /// Listens on the configured address and gives it back at once.
    ///
    /// - Returns: the address, with the port that was taken where 0 was asked for.
    /// - Throws: ``SocketError`` if a server could not listen there.
    public func tryListening() throws -> String {
        try SocketServer.tryListening(host: host, port: port).description
    }
}
