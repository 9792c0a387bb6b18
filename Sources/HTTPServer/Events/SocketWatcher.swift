/// Who is told of a socket, on the thread of its loop.
protocol SocketWatcher: AnyObject {
    /// The socket can do what was waited for, or is broken.
    func ready(_ readiness: Readiness)

    /// The watch's deadline has passed; it has none now.
    func deadlinePassed()
}
