import DequeModule
import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Writes log lines from a thread of its own, so that nobody who logs ever waits for whoever reads the log.
///
/// Lines wait in a queue of limited size. Once one does not fit, it and those behind it are dropped and counted until half of the
/// queue has been written; then one line tells how many are missing. What is written keeps its order, and each line arrives whole.
///
/// Limits: `maxByteCount` of lines that wait, plus one call of write(2).
public final class LogWriter: LogSink {
    private let state: State

    /// - Parameters:
    ///   - descriptor: what to write to; 2 is standard error.
    ///   - maxByteCount: how much may wait.
    ///   - notice: the line that tells how many were dropped, with its newline.
    public init(
        descriptor: Int32 = STDERR_FILENO, maxByteCount: Int,
        notice: @escaping @Sendable (_ droppedCount: Int) -> String
    ) {
        state = State(descriptor: descriptor, maxByteCount: maxByteCount, notice: notice)
        let thread = Thread { [state] in state.run() }
        thread.name = "log"
        thread.start()
    }

    deinit { state.stop() }

    /// Takes a line, or drops it; never waits.
    func append(line: String) { state.append(line) }

    /// How many lines were dropped, or could not be written.
    public var droppedCount: Int { state.droppedCount }

    /// Waits until everything that was appended before is written.
    ///
    /// - Returns: false where that took longer than `limit`.
    @discardableResult
    public func flush(within limit: Duration) -> Bool { state.flush(within: limit) }

    private final class State: Sendable {
        private struct Queue {
            var lines: Deque<String> = []
            /// Of the lines that wait, and of those that are being written. Units: bytes.
            var byteCount = 0
            /// Dropped, and not told yet.
            var untoldCount = 0
            /// Whether lines are dropped until there is room again.
            var isFull = false
            /// Could not be written, and not told yet.
            var failedCount = 0
            /// Whether the thread waits for a line.
            var isIdle = false
            var isStopped = false
            var flushes: [DispatchSemaphore] = []
        }

        private let descriptor: Int32
        private let maxByteCount: Int
        private let notice: @Sendable (Int) -> String
        private let queue = Mutex(Queue())
        private let wakeUp = DispatchSemaphore(value: 0)
        private let dropped = Atomic(0)

        /// Written in one call, so that the lines of several processes on one pipe do not mix (pipe(7), PIPE_BUF). Units: bytes.
        private static let mostAtOnce = 4096
        /// How long the thread rests before it looks for what has come: under load, lines share a call instead of each waking it.
        /// Units: microseconds.
        private static let rest: UInt32 = 1000

        init(descriptor: Int32, maxByteCount: Int, notice: @escaping @Sendable (Int) -> String) {
            self.descriptor = descriptor
            self.maxByteCount = maxByteCount
            self.notice = notice
        }

        var droppedCount: Int { dropped.load(ordering: .relaxed) }

        func append(_ line: String) {
            let byteCount = line.utf8.count
            let wakes = queue.withLock { queue in
                guard !queue.isFull, byteCount <= maxByteCount - queue.byteCount else {
                    queue.isFull = true
                    queue.untoldCount += 1
                    dropped.add(1, ordering: .relaxed)
                    // Nobody else would tell of it where nothing waits.
                    if queue.byteCount == 0 { tellOfDropped(&queue) }
                    return wake(&queue)
                }
                queue.lines.append(line)
                queue.byteCount += byteCount
                return wake(&queue)
            }
            if wakes { wakeUp.signal() }
        }

        func flush(within limit: Duration) -> Bool {
            let done = DispatchSemaphore(value: 0)
            let wakes = queue.withLock { queue in
                queue.flushes.append(done)
                return wake(&queue)
            }
            if wakes { wakeUp.signal() }
            return done.wait(timeout: .now() + limit.seconds) == .success
        }

        func stop() {
            let wakes = queue.withLock { queue in
                queue.isStopped = true
                return wake(&queue)
            }
            if wakes { wakeUp.signal() }
        }

        private func wake(_ queue: inout Queue) -> Bool {
            defer { queue.isIdle = false }
            return queue.isIdle
        }

        private func tellOfDropped(_ queue: inout Queue) {
            let line = notice(queue.untoldCount)
            queue.lines.append(line)
            queue.byteCount += line.utf8.count
            queue.untoldCount = 0
            queue.isFull = false
        }

        /// Lines that are written in one call.
        private struct Piece {
            var lines: [String] = []
            /// Of the lines.
            var byteCount = 0
            /// How many lost lines its first line tells of; 0 where it does not.
            var toldCount = 0
            /// Of the lines, but that one.
            var lineCount: Int { lines.count - (toldCount > 0 ? 1 : 0) }
            /// Whether no others follow, ever.
            var isLast = false
        }

        /// What the thread does all its life: until there is nothing left to write and nobody who would append anything.
        func run() {
            while true {
                let piece = take()
                if piece.lineCount > 0 {
                    let isWritten = write(piece.lines.joined())
                    queue.withLock { queue in
                        queue.byteCount -= piece.byteCount
                        if !isWritten {
                            queue.failedCount += piece.toldCount + piece.lineCount
                            dropped.add(piece.lineCount, ordering: .relaxed)
                        }
                        if queue.isFull, queue.byteCount <= maxByteCount / 2 { tellOfDropped(&queue) }
                    }
                } else if piece.isLast {
                    return
                } else {
                    wakeUp.wait()
                    usleep(Self.rest)
                }
            }
        }

        /// The next lines to write: several where they are short, none where none wait.
        private func take() -> Piece {
            queue.withLock { queue in
                var piece = Piece()
                if queue.failedCount > 0, !queue.lines.isEmpty {
                    piece.toldCount = queue.failedCount
                    piece.lines = [notice(queue.failedCount)]
                    piece.byteCount = piece.lines[0].utf8.count
                    queue.byteCount += piece.byteCount
                    queue.failedCount = 0
                }
                while let line = queue.lines.first,
                    piece.lineCount == 0 || piece.byteCount + line.utf8.count <= Self.mostAtOnce
                {
                    piece.byteCount += line.utf8.count
                    piece.lines.append(queue.lines.removeFirst())
                }
                if piece.lines.isEmpty {
                    for flush in queue.flushes { flush.signal() }
                    queue.flushes = []
                    queue.isIdle = !queue.isStopped
                    piece.isLast = queue.isStopped
                }
                return piece
            }
        }

        /// - Returns: false where the system takes no more.
        private func write(_ text: String) -> Bool {
            var text = text
            return text.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)[...]
                while !rest.isEmpty {
                    let pointer = UnsafeRawBufferPointer(rebasing: rest)
                    let count = Glibc.write(descriptor, pointer.baseAddress, pointer.count)
                    if count >= 0 {
                        rest = rest.dropFirst(count)
                    } else if errno == EAGAIN {
                        // Somebody made the descriptor non-blocking: wait until it takes more.
                        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        guard poll(&waiting, 1, -1) > 0 || errno == EINTR else { return false }
                    } else if errno != EINTR {
                        return false
                    }
                }
                return true
            }
        }
    }
}
