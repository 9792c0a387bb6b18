import Dispatch
import HTTPServer
import Synchronization

/// A report that may take a while to write: thousands of metrics, hundreds of models, or all classes of a model.
///
/// Requests are coalesced: only one report is written at a time, on a queue of its own and not on a thread that serves
/// sockets. All requests that arrive meanwhile share the next report. So many requests cost no more than one, and no
/// answer is older than its request.
final class CoalescedReport: Sendable {
    private struct State {
        var waiting: [CheckedContinuation<Response, Never>] = []
        var isBeingWritten = false
    }

    private let state = Mutex(State())
    private let queue: DispatchQueue
    private let write: @Sendable () -> Response

    /// - Parameter write: returns the report. It may take long, and runs on a queue of its own.
    init(_ name: String, _ write: @escaping @Sendable () -> Response) {
        queue = DispatchQueue(label: "report.\(name)")
        self.write = write
    }

    /// How many requests wait for a report that is not being written yet.
    var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Returns a report that was begun after this call.
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
    /// Runs work that may block on this queue, without blocking the caller's thread.
    func perform<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            async { continuation.resume(returning: work()) }
        }
    }
}
