/// Is told what happens on the sockets; metrics and the access log are built on it.
///
/// Called on the connections' threads, many at once: it must be quick and must not block.
public protocol ServerObserver: Sendable {
    /// A client has been accepted.
    func connectionOpened()
    /// A connection's descriptor has been given back.
    func connectionClosed()
    /// A request has been answered, refused or abandoned.
    func requestCompleted(_ record: RequestRecord)
}
