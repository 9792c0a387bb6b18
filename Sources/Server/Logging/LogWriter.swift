import DequeModule
import Dispatch
import Foundation
import Synchronization

/// Writes log lines on a thread of its own, so that logging never blocks, even if nobody reads the log.
///
/// Lines wait in a bounded queue. When a line does not fit, it and all later ones are dropped and counted until half of
/// the queue has been written; then one line reports how many are missing. Lines keep their order and arrive whole.
///
/// Limits: `maxByteCount` of queued lines, plus one call of write(2).
public final class LogWriter: LogSink {
    private let state: State

    /// - Parameters:
    ///   - descriptor: the file descriptor; 2 is standard error.
    ///   - maxByteCount: the size of the queue. Units: bytes.
    ///   - notice: writes the line that reports how many lines were dropped, with its newline.
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

    /// Queues a line, or drops it; never blocks.
    func append(line: String) { state.append(line) }

    /// How many lines were dropped, or could not be written.
    public var droppedCount: Int { state.droppedCount }

    /// Waits until all lines that were appended before are written.
    ///
    /// - Returns: false if that takes longer than `limit`.
    @discardableResult
    public func flush(within limit: Duration) -> Bool { state.flush(within: limit) }

    private final class State: Sendable {
        private struct Queue {
            var lines: Deque<String> = []
            /// The size of the queued lines and of those that are being written. Units: bytes.
            var byteCount = 0
            /// Lines that were dropped and not reported yet.
            var unreportedCount = 0
            /// Whether lines are dropped until there is room again.
            var isFull = false
            /// Lines that could not be written, and were not reported yet.
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

        /// The most bytes of one call of write(2). A pipe takes this many in one piece, without mixing them with
        /// another process's (pipe(7), PIPE_BUF). Units: bytes.
        private static let maxWriteByteCount = 4096
        /// How long the thread sleeps after it was woken: under load, lines that arrive meanwhile share one call.
        /// Units: microseconds.
        private static let delay: UInt32 = 1000

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
                    queue.unreportedCount += 1
                    dropped.add(1, ordering: .relaxed)
                    // With an empty queue, no later write would report it.
                    if queue.byteCount == 0 { reportDropped(&queue) }
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

        private func reportDropped(_ queue: inout Queue) {
            let line = notice(queue.unreportedCount)
            queue.lines.append(line)
            queue.byteCount += line.utf8.count
            queue.unreportedCount = 0
            queue.isFull = false
        }

        /// Lines that are written in one call.
        private struct Batch {
            var lines: [String] = []
            /// The size of the lines. Units: bytes.
            var byteCount = 0
            /// How many lost lines the first line reports; 0 if it is an ordinary one.
            var reportedCount = 0
            /// The number of ordinary lines.
            var lineCount: Int { lines.count - (reportedCount > 0 ? 1 : 0) }
            /// Whether the writer was stopped and the queue is empty.
            var isLast = false
        }

        /// The thread's loop, until the writer is stopped and the queue is empty.
        func run() {
            while true {
                let batch = take()
                if batch.lineCount > 0 {
                    let isWritten = write(batch.lines.joined())
                    queue.withLock { queue in
                        queue.byteCount -= batch.byteCount
                        if !isWritten {
                            queue.failedCount += batch.reportedCount + batch.lineCount
                            dropped.add(batch.lineCount, ordering: .relaxed)
                        }
                        if queue.isFull, queue.byteCount <= maxByteCount / 2 { reportDropped(&queue) }
                    }
                } else if batch.isLast {
                    return
                } else {
                    wakeUp.wait()
                    usleep(Self.delay)
                }
            }
        }

        /// Takes the next lines from the queue: as many as fit one call, none if the queue is empty.
        private func take() -> Batch {
            queue.withLock { queue in
                var batch = Batch()
                if queue.failedCount > 0, !queue.lines.isEmpty {
                    batch.reportedCount = queue.failedCount
                    batch.lines = [notice(queue.failedCount)]
                    batch.byteCount = batch.lines[0].utf8.count
                    queue.byteCount += batch.byteCount
                    queue.failedCount = 0
                }
                while let line = queue.lines.first,
                    batch.lineCount == 0 || batch.byteCount + line.utf8.count <= Self.maxWriteByteCount
                {
                    batch.byteCount += line.utf8.count
                    batch.lines.append(queue.lines.removeFirst())
                }
                if batch.lines.isEmpty {
                    for flush in queue.flushes { flush.signal() }
                    queue.flushes = []
                    queue.isIdle = !queue.isStopped
                    batch.isLast = queue.isStopped
                }
                return batch
            }
        }

        /// Writes the whole text.
        ///
        /// - Returns: false if the descriptor failed.
        private func write(_ text: String) -> Bool {
            var text = text
            return text.withUTF8 { bytes in
                var rest = UnsafeRawBufferPointer(bytes)[...]
                while !rest.isEmpty {
                    let pointer = UnsafeRawBufferPointer(rebasing: rest)
                    let count = Foundation.write(descriptor, pointer.baseAddress, pointer.count)
                    if count >= 0 {
                        rest = rest.dropFirst(count)
                    } else if errno == EAGAIN {
                        // Another process made the descriptor non-blocking: wait until it is writable.
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
