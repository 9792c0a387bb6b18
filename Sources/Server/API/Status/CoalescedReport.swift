import Dispatch
import HTTPServer
import Synchronization

/// A report that may take a while to write: of thousands of series, hundreds of models, or every class of a model.
///
/// It is written away from the threads that serve sockets, once at a time. Whoever asks while it is being written shares the next
/// one, so that asking often costs no more than asking, and no answer is older than its question.
final class CoalescedReport: Sendable {
    private struct State {
        var waiting: [CheckedContinuation<Response, Never>] = []
        var isBeingWritten = false
    }

    private let state = Mutex(State())
    private let queue: DispatchQueue
    private let write: @Sendable () -> Response

    /// - Parameter write: may take long; runs on a queue of its own.
    init(_ name: String, _ write: @escaping @Sendable () -> Response) {
        queue = DispatchQueue(label: "report.\(name)")
        self.write = write
    }

    /// How many wait for a report that is not being written yet.
    var waitingCount: Int { state.withLock(\.waiting.count) }

    /// The report as it is now or a little later.
    func callAsFunction() async -> Response {
        await withCheckedContinuation { continuation in
            let begins = state.withLock { state in
                state.waiting.append(continuation)
                defer { state.isBeingWritten = true }
                return !state.isBeingWritten
            }
            if begins { queue.async { [self] in writeNext() } }
        }
    }

    private func writeNext() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        let report = write()
        for continuation in waiting { continuation.resume(returning: report) }
        let goesOn = state.withLock { state in
            state.isBeingWritten = !state.waiting.isEmpty
            return state.isBeingWritten
        }
        if goesOn { queue.async { [self] in writeNext() } }
    }
}

extension DispatchQueue {
    /// Does what may block on this queue, and waits for it without holding up the thread that serves sockets.
    func perform<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            async { continuation.resume(returning: work()) }
        }
    }
}
