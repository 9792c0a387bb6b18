import CLinux
import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// SIGTERM and SIGINT as a server takes them: the first asks it to stop, and from then on the process ends in time, whatever is stuck.
///
/// Neither needs Dispatch or Swift's own threads, all of which may be waiting for a disk that does not answer: the handler
/// wakes a thread that has been there since the start.
final class StopSignal: Sendable {
    private struct State {
        var isRequested = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let limit: Duration

    /// What the handlers of all signals write to; there is one instance a process.
    private static let wakeUp = Atomic<Int32>(-1)

    /// The least time in which a server can close its sockets and write its last lines.
    static let shortestLimit = Duration.seconds(1)

    /// Listens from now on.
    ///
    /// - Parameters:
    ///   - limit: from the first signal to the end of the process.
    ///   - end: says the last words and ends the process; called on a thread of its own once the limit has passed.
    init(_ numbers: [Int32] = [SIGTERM, SIGINT], limit: Duration, end: @escaping @Sendable () -> Void) {
        self.limit = max(limit, Self.shortestLimit)
        let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
        Self.wakeUp.store(descriptor, ordering: .releasing)
        let thread = Thread { [self] in
            var count: UInt64 = 0
            while read(descriptor, &count, MemoryLayout.size(ofValue: count)) < 0, errno == EINTR {}
            request()
            Thread.sleep(forTimeInterval: self.limit / .seconds(1))
            end()
        }
        thread.name = "stop"
        thread.start()
        for number in numbers {
            let before = signal(number) { _ in
                let error = errno
                var one: UInt64 = 1
                _ = write(StopSignal.wakeUp.load(ordering: .acquiring), &one, MemoryLayout.size(ofValue: one))
                errno = error
            }
            // Shells start so what shall go on in the background when Ctrl-C ends what stands in front.
            let wasIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
            if wasIgnored, number == SIGINT { signal(number, SIG_IGN) }
        }
    }

    /// Has the server asked to stop; at once where the signal has come already.
    func onRequest(_ stop: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.stop = stop
            return state.isRequested
        }
        if isLate { stop() }
    }

    private func request() {
        let stop = state.withLock { state in
            state.isRequested = true
            return state.stop
        }
        stop?()
    }
}

/// Ctrl-C, SIGTERM and a terminal that is closed as a wish to stop: the first is noted, the second ends the process at once.
///
/// Where the process was started with SIGINT or SIGHUP ignored, as shells and nohup start what shall go on in the
/// background, they stay ignored.
final class Interruption: Sendable {
    /// The first signal's number; 0 before.
    private let wish = Atomic<Int32>(0)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Listens from now on.
    init() {
        let queue = DispatchQueue(label: "interruption")
        sources.withLock { sources in
            for number in [SIGINT, SIGTERM, SIGHUP] {
                let before = unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
                if number != SIGTERM, before == unsafeBitCast(SIG_IGN, to: Int.self) { continue }
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { [weak self] in self?.note(number) }
                source.resume()
                sources.append(source)
            }
        }
    }

    private func note(_ number: Int32) {
        guard wish.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged else {
            // Others are at work and hold whatever they hold: nothing is tidied up.
            _exit(exitCode)
        }
        // The next signal comes to this queue too: nobody may hold it up.
        OutputStream.error.writeIfPossible(
            "\nStopping after this step; Ctrl-C once more stops at once.\n", within: .milliseconds(100))
    }

    /// Was the wish expressed?
    var isRequested: Bool { wish.load(ordering: .relaxed) != 0 }

    /// As shells have it: 128 and the signal's number, 130 for Ctrl-C.
    var exitCode: Int32 { 128 + wish.load(ordering: .relaxed) }
}
