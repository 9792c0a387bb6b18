import Dispatch
import Synchronization

/// All open connections of a server.
final class ConnectionRegistry: Sendable {
    private struct State {
        var connections: [Int: Connection] = [:]
        var nextNumber = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())
    /// Whether clients wait for a place: answers then close their connections.
    let isCrowded = Atomic(false)

    /// How many connections are open.
    var count: Int { state.withLock { $0.connections.count } }

    /// The open connections.
    var connections: [Connection] { state.withLock { Array($0.connections.values) } }

    /// Takes in the connection that `make` makes of its number.
    func add(_ make: (Int) -> Connection) -> Connection {
        state.withLock { state in
            let connection = make(state.nextNumber)
            state.connections[state.nextNumber] = connection
            state.nextNumber += 1
            return connection
        }
    }

    /// Lets a connection go.
    func remove(_ number: Int) {
        let (connection, waiters) = state.withLock { state in
            let connection = state.connections.removeValue(forKey: number)
            guard state.connections.isEmpty else { return (connection, [CheckedContinuation<Bool, Never>]()) }
            defer { state.waiters = [:] }
            return (connection, Array(state.waiters.values))
        }
        for waiter in waiters { waiter.resume(returning: true) }
        _ = connection  // lives until the lock is open again
    }

    /// Waits until no connection is open.
    /// - Returns: whether that came true within `timeout`.
    func waitUntilEmpty(timeout: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let waiter: Int? = state.withLock { state in
                guard !state.connections.isEmpty else { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = continuation
                return state.nextWaiter
            }
            guard let waiter else { return continuation.resume(returning: true) }
            DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) {
                self.state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(returning: false)
            }
        }
    }
}

extension Duration {
    /// The same for Dispatch, in nanoseconds, never negative and at most 290 years.
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return .nanoseconds(0) }
        guard seconds < 9_000_000_000 else { return .seconds(Int(Int32.max)) }
        return .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000))
    }
}
