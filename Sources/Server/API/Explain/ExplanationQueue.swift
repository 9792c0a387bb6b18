import Synchronization
import Threads

/// Computes explanations one after another, so that they take at most one image's share of the computer from the
/// predictions.
final class ExplanationQueue: Sendable {
    private struct State {
        var isBusy = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let workers: WorkerPool

    /// The most explanations that wait. Each holds its image's input; someone who looks at a page waits for one or two.
    static let maxWaitingCount = 8

    init(workers: WorkerPool) { self.workers = workers }

    /// How much work waits.
    var waitingCount: Int { state.withLock(\.waiting.count) }

    /// Runs work on a worker once all earlier work is done.
    ///
    /// - Returns: nil if too much work waits already.
    func perform<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result? {
        guard await enter() else { return nil }
        defer { leave() }
        return await workers.perform(.normal, work)
    }

    private func enter() async -> Bool {
        let (isFirst, isFull) = state.withLock { state in
            let isFirst = !state.isBusy
            state.isBusy = true
            return (isFirst, !isFirst && state.waiting.count >= Self.maxWaitingCount)
        }
        if isFirst { return true }
        if isFull { return false }
        await withCheckedContinuation { continuation in
            // The work before may have ended in the meantime.
            let isNext = state.withLock { state in
                if !state.isBusy {
                    state.isBusy = true
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isNext { continuation.resume() }
        }
        return true
    }

    private func leave() {
        let next = state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() as CheckedContinuation? }
            state.isBusy = false
            return nil
        }
        next?.resume()
    }
}
