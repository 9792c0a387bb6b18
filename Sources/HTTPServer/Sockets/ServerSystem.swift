import Foundation

/// What the server takes from the operating system: sockets, clocks, and identifiers that nobody can guess.
///
/// ``OperatingSystem`` is the real one. The simulation has its own (Tests/Simulation), where time passes only when it is
/// told to. None of the calls blocks, except that looking up a host name may.
protocol ServerSystem: Sendable {
    /// The time by which durations and deadlines are measured.
    var now: ContinuousClock.Instant { get }

    /// The time of day. Units: seconds since 1970.
    var wallTime: Int { get }

    /// An identifier for a request that has none.
    func makeRequestID() -> String

    /// Makes the poller of one event loop.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` if no descriptor is left.
    func makePoller(name: String) throws(SocketError) -> any Poller

    /// Opens the socket on which the server listens.
    func listen(_ options: ServerOptions) throws(SocketError) -> (descriptor: Int32, address: SocketAddress)

    /// Accepts the next client in the backlog.
    ///
    /// - Returns: its socket and address, or the error number (`EAGAIN` if no client waits).
    func accept(_ listener: Int32) -> Result<Socket.Client, Socket.AcceptFailure>

    /// Reads what has arrived, at most as much as fits into `buffer`.
    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Socket.Outcome

    /// Writes as much of `bytes` as the kernel accepts.
    ///
    /// - Parameter more: whether other bytes follow at once, so that the kernel may wait for them before it sends a
    ///   packet.
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, more: Bool) -> Socket.Outcome

    /// Ends this side's stream; the other side may still send.
    func endWriting(_ descriptor: Int32)

    /// Closes a descriptor.
    func close(_ descriptor: Int32)

    /// Opens a spare descriptor, which is closed when no other is left; -1 on failure.
    func openSpare() -> Int32
}

extension ServerSystem {
    /// Sends these bytes to a client that is not served, and closes the socket.
    func dismiss(_ client: Socket.Client, with bytes: [UInt8]) {
        _ = bytes.withUnsafeBytes { write(client.descriptor, $0, more: false) }
        endWriting(client.descriptor)
        // Closing with unread input would send a reset, which can destroy the response on its way.
        withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 1) { buffer in
            _ = read(client.descriptor, into: buffer)
        }
        close(client.descriptor)
    }
}

/// The operating system that this program runs on.
struct OperatingSystem: ServerSystem {
    /// The mechanism that reports ready sockets.
    let poller: PollerKind

    var now: ContinuousClock.Instant { .now }

    var wallTime: Int { time(nil) }

    func makeRequestID() -> String { RequestID.generate() }

    func makePoller(name: String) throws(SocketError) -> any Poller { try poller.makePoller(name: name) }

    func listen(_ options: ServerOptions) throws(SocketError) -> (descriptor: Int32, address: SocketAddress) {
        if let inherited = options.listeningDescriptor { return (inherited, try Socket.adopt(inherited)) }
        return try Socket.listen(host: options.host, port: options.port, backlog: options.backlog)
    }

    func accept(_ listener: Int32) -> Result<Socket.Client, Socket.AcceptFailure> { Socket.accept(listener) }

    func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Socket.Outcome {
        Socket.read(descriptor, into: buffer)
    }

    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, more: Bool) -> Socket.Outcome {
        Socket.write(descriptor, bytes, more: more)
    }

    func endWriting(_ descriptor: Int32) { Socket.endWriting(descriptor) }

    func close(_ descriptor: Int32) { Socket.close(descriptor) }

    func openSpare() -> Int32 { Socket.spare() }
}
