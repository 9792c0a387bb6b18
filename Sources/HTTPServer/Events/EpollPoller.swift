#if os(Linux)
    import CLinux
    import Foundation
    import Synchronization

    /// The poller that uses epoll: one thread waits for all sockets of a loop and runs its turns.
    ///
    /// - Source: epoll(7), level-triggered; eventfd(2)
    final class EpollPoller: Poller, @unchecked Sendable {  // guard: `released` is touched on the thread only
        private let name: String
        private let descriptor: Int32
        /// An eventfd, readable once somebody has called ``wake()``.
        private let alarm: Int32
        private let thread = Atomic<pthread_t>(0)
        /// Called once their descriptors are watched no longer.
        private var released: [@Sendable () -> Void] = []

        /// The number of the alarm's events; no socket has it.
        private static let alarmID = UInt64.max
        /// The most sockets that one call of epoll_wait reports. The others follow with the next call.
        private static let maxEvents = 64

        /// - Throws: ``SocketError/system(operation:code:)`` if no descriptor is left.
        init(name: String) throws(SocketError) {
            self.name = name
            descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
            guard descriptor >= 0 else { throw .system(operation: "epoll_create1", code: errno) }
            alarm = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
            guard alarm >= 0 else { throw .system(operation: "eventfd", code: errno) }
            guard control(EPOLL_CTL_ADD, alarm, id: Self.alarmID, EPOLLIN.rawValue) else {
                throw .system(operation: "epoll_ctl", code: errno)
            }
        }

        deinit {
            Socket.close(descriptor)
            if alarm >= 0 { Socket.close(alarm) }
        }

        var isCurrent: Bool { thread.load(ordering: .relaxed) == pthread_self() }

        func start(_ client: any PollerClient) {
            Thread.detachNewThread { [self] in
                pthread_setname_np(pthread_self(), name)
                thread.store(pthread_self(), ordering: .relaxed)
                run(client)
            }
        }

        /// The thread's loop.
        private func run(_ client: any PollerClient) {
            var events = Array(repeating: epoll_event(), count: Self.maxEvents)
            while true {
                let next = client.turn()
                if !released.isEmpty {
                    let released = released
                    self.released = []
                    for then in released { then() }
                    // The loop may have more to do now.
                    if next != .never { continue }
                }
                let timeout: Int32
                switch next {
                case .now: timeout = 0
                case .at(let time): timeout = time.map { Self.milliseconds($0 - .now) } ?? -1
                case .never: return
                }
                let count = Int(epoll_wait(descriptor, &events, Int32(events.count), timeout))
                for event in events.prefix(max(0, count)) {
                    if event.data.u64 == Self.alarmID {
                        var wakeCount: UInt64 = 0
                        _ = read(alarm, &wakeCount, MemoryLayout<UInt64>.size)
                    } else {
                        client.ready(Int(truncatingIfNeeded: event.data.u64), Readiness(event.events))
                    }
                }
            }
        }

        /// Rounded up, since a loop that wakes before its deadline has nothing to do.
        private static func milliseconds(_ timeout: Duration) -> Int32 {
            guard timeout > .zero else { return 0 }
            let (seconds, attoseconds) = timeout.components
            let (milliseconds, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
            guard seconds < 1_000_000 else { return 1_000_000_000 }
            return Int32(seconds * 1000 + milliseconds + (rest > 0 ? 1 : 0))
        }

        func wake() {
            var one: UInt64 = 1
            _ = write(alarm, &one, MemoryLayout<UInt64>.size)
        }

        func add(_ socket: Int32, id: Int, _ interest: Readiness) throws(SocketError) {
            guard control(EPOLL_CTL_ADD, socket, id: UInt64(id), interest.events) else {
                throw .system(operation: "epoll_ctl", code: errno)
            }
        }

        func change(_ socket: Int32, id: Int, _ interest: Readiness) {
            // That cannot fail for a socket that was added.
            _ = control(EPOLL_CTL_MOD, socket, id: UInt64(id), interest.events)
        }

        func remove(_ socket: Int32, id: Int, then: @escaping @Sendable () -> Void) {
            _ = control(EPOLL_CTL_DEL, socket, id: UInt64(id), 0)
            released.append(then)
        }

        private func control(_ operation: Int32, _ socket: Int32, id: UInt64, _ events: UInt32) -> Bool {
            var event = epoll_event(events: events, data: epoll_data(u64: id))
            return epoll_ctl(descriptor, operation, socket, &event) == 0
        }
    }

    extension Readiness {
        /// The events to ask for. The kernel reports a broken socket without being asked.
        fileprivate var events: UInt32 {
            (contains(.reading) ? EPOLLIN.rawValue : 0) | (contains(.writing) ? EPOLLOUT.rawValue : 0)
        }

        /// The events that the kernel reported. A broken socket counts as ready to read and write: either call returns
        /// the reason.
        fileprivate init(_ events: UInt32) {
            self = []
            if events & EPOLLIN.rawValue != 0 { insert(.reading) }
            if events & EPOLLOUT.rawValue != 0 { insert(.writing) }
            if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { formUnion([.reading, .writing, .broken]) }
        }
    }
#endif
