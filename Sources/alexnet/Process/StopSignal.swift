import CLinux
import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Handles a server's SIGTERM and SIGINT. The first signal starts a graceful shutdown, and the process ends within the
/// limit even if something hangs.
///
/// It does not depend on Dispatch or on Swift's concurrency threads, all of which may hang on a disk. The signal
/// handler wakes a thread that was started in advance.
final class StopSignal: Sendable {
    private struct State {
        var isRequested = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let limit: Duration

    /// The eventfd that the signal handlers write to. A process has one instance.
    private static let wakeUp = Atomic<Int32>(-1)

    /// The time that a server needs to close its sockets and to write the end of its log.
    static let shortestLimit = Duration.seconds(1)

    /// Installs the signal handlers.
    ///
    /// - Parameters:
    ///   - limit: the time from the first signal to the end of the process.
    ///   - end: writes the last messages and exits; called on its own thread after the limit.
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
            // Shells start background processes with SIGINT ignored, so that Ctrl-C stops only the foreground process.
            let wasIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
            if wasIgnored, number == SIGINT { signal(number, SIG_IGN) }
        }
    }

    /// Sets what to do at the first signal. If the signal has come already, `stop` runs immediately.
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

/// Handles SIGINT, SIGTERM and SIGHUP during a training. The first signal asks the training to stop, the second exits
/// immediately.
///
/// SIGINT and SIGHUP stay ignored if the process was started that way, as shells and nohup start background processes.
final class Interruption: Sendable {
    /// The number of the first signal; 0 before it.
    private let firstSignal = Atomic<Int32>(0)
    private let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Handles the signals from now on.
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
        guard firstSignal.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged else {
            // _exit(2) runs no exit handlers, because other threads are still working.
            _exit(exitCode)
        }
        // The write has a time limit, because the next signal needs this queue.
        OutputStream.error.writeIfPossible(
            "\nStopping after this step; press Ctrl-C again to stop at once.\n", within: .milliseconds(100))
    }

    /// Whether a signal has asked the training to stop.
    var isRequested: Bool { firstSignal.load(ordering: .relaxed) != 0 }

    /// The exit code by the shell's convention: 128 + the signal's number, such as 130 for Ctrl-C.
    var exitCode: Int32 { 128 + firstSignal.load(ordering: .relaxed) }
}
