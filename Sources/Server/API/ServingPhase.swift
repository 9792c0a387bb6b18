import Synchronization

/// The phase of the server's life: serving, then leaving, then finishing.
public final class ServingPhase: Sendable {
    private enum Phase {
        /// New requests are accepted, and `/readyz` answers 200.
        case serving
        /// New requests are still accepted, but `/readyz` answers 503, so that load balancers stop sending them.
        case leaving
        /// Requests that began before `since` are answered; later ones are rejected.
        case finishing(since: ContinuousClock.Instant)
    }

    private let phase = Mutex(Phase.serving)

    /// A server that accepts requests.
    public init() {}

    /// From now on `/readyz` answers 503.
    public func leave() { phase.withLock { $0 = .leaving } }

    /// Rejects requests that begin at `now` or later.
    public func finish(at now: ContinuousClock.Instant) { phase.withLock { $0 = .finishing(since: now) } }

    /// Whether a shutdown has begun.
    var isDraining: Bool {
        if case .serving = phase.withLock(\.self) { return false }
        return true
    }

    /// Whether a request that began at `start` is accepted.
    func accepts(requestFrom start: ContinuousClock.Instant) -> Bool {
        guard case .finishing(let since) = phase.withLock(\.self) else { return true }
        return start < since
    }
}
