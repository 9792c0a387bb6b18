import CLinux

/// What a socket can do without waiting, or what one waits for.
struct Readiness: OptionSet {
    let rawValue: UInt8

    /// Bytes, the stream's end, a client to accept, or an error can be read.
    static let reading = Readiness(rawValue: 1)
    /// There is room for bytes, or an error to be told.
    static let writing = Readiness(rawValue: 2)
    /// The connection is over in both directions. This is told whatever one waits for.
    static let broken = Readiness(rawValue: 4)

    /// For a thread that waits. The kernel tells of what is broken without being asked.
    var events: EPOLL_EVENTS {
        EPOLL_EVENTS(
            (contains(.reading) ? EPOLLIN.rawValue : 0) | (contains(.writing) ? EPOLLOUT.rawValue : 0))
    }
}

extension Readiness {
    /// From the kernel. A broken socket can be read and written: that is how one learns why.
    init(events: UInt32) {
        self = []
        if events & EPOLLIN.rawValue != 0 { insert(.reading) }
        if events & EPOLLOUT.rawValue != 0 { insert(.writing) }
        if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { formUnion([.reading, .writing, .broken]) }
    }
}
