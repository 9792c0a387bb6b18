import CLinux
import Glibc

/// The sockets that one thread waits for, all at once, and a way to wake it.
///
/// - Source: epoll(7), level-triggered; eventfd(2)
final class Poller: Sendable {
    private let descriptor: Int32
    /// Can be read once somebody has called ``wake()``.
    private let alarm: Int32
    /// No socket has this number.
    private static let alarmID = UInt64.max

    /// How many sockets are told of at once; the others' turn is next.
    static let mostEvents = 64

    /// - Throws: ``SocketError/system(operation:code:)`` where the system has no descriptor left.
    init() throws(SocketError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw .system(operation: "epoll_create1", code: errno) }
        alarm = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard alarm >= 0 else { throw .system(operation: "eventfd", code: errno) }
        guard control(EPOLL_CTL_ADD, alarm, id: Self.alarmID, EPOLL_EVENTS(EPOLLIN.rawValue)) else {
            throw .system(operation: "epoll_ctl", code: errno)
        }
    }

    deinit {
        Socket.close(descriptor)
        if alarm >= 0 { Socket.close(alarm) }
    }

    /// Watches a socket from now on.
    ///
    /// - Throws: ``SocketError/system(operation:code:)`` where the system watches as many as it wants to.
    func add(_ socket: Int32, id: UInt64, _ interest: Readiness) throws(SocketError) {
        guard control(EPOLL_CTL_ADD, socket, id: id, interest.events) else {
            throw .system(operation: "epoll_ctl", code: errno)
        }
    }

    /// Watches it for something else; that cannot fail for one that was added.
    func change(_ socket: Int32, id: UInt64, _ interest: Readiness) {
        _ = control(EPOLL_CTL_MOD, socket, id: id, interest.events)
    }

    /// Watches it no longer.
    func remove(_ socket: Int32) { _ = control(EPOLL_CTL_DEL, socket, id: 0, EPOLL_EVENTS(0)) }

    /// Ends the wait that is going on, or the next one.
    func wake() {
        var one: UInt64 = 1
        _ = write(alarm, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits until a socket is ready, somebody wakes it, or the time is over.
    ///
    /// - Parameters:
    ///   - timeout: nil waits for ever.
    ///   - events: room for ``mostEvents``.
    /// - Returns: how many of the events tell of sockets; they come first.
    func wait(_ timeout: Duration?, into events: inout [epoll_event]) -> Int {
        let found = Int(epoll_wait(descriptor, &events, Int32(events.count), Self.milliseconds(timeout)))
        guard found > 0 else { return 0 }
        guard let index = events[..<found].firstIndex(where: { $0.data.u64 == Self.alarmID }) else { return found }
        var count: UInt64 = 0
        _ = read(alarm, &count, MemoryLayout<UInt64>.size)
        events.swapAt(index, found - 1)
        return found - 1
    }

    /// Rounded up: who waits for a time had better not wake before it.
    private static func milliseconds(_ timeout: Duration?) -> Int32 {
        guard let timeout else { return -1 }
        guard timeout > .zero else { return 0 }
        let (seconds, attoseconds) = timeout.components
        let (milliseconds, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000 + milliseconds + (rest > 0 ? 1 : 0))
    }

    private func control(_ operation: Int32, _ socket: Int32, id: UInt64, _ events: EPOLL_EVENTS) -> Bool {
        var event = epoll_event(events: events.rawValue, data: epoll_data(u64: id))
        return epoll_ctl(descriptor, operation, socket, &event) == 0
    }
}
