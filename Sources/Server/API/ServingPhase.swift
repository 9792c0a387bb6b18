import Synchronization

/// Where the server is between its start and its end.
public final class ServingPhase: Sendable {
    private enum Phase {
        /// Work is taken.
        case serving
        /// Work is still taken, but load balancers are told to look elsewhere.
        case leaving
        /// What came before is finished; nothing new is taken.
        case finishing(since: ContinuousClock.Instant)
    }

    private let phase = Mutex(Phase.serving)

    /// A server that takes work.
    public init() {}

    /// `/readyz` answers 503 from here on.
    public func leave() { phase.withLock { $0 = .leaving } }

    /// Requests that begin from here on are turned away.
    public func finish(at now: ContinuousClock.Instant) { phase.withLock { $0 = .finishing(since: now) } }

    var isDraining: Bool {
        if case .serving = phase.withLock(\.self) { return false }
        return true
    }

    /// Whether a request that began then is still taken.
    func accepts(requestFrom start: ContinuousClock.Instant) -> Bool {
        guard case .finishing(let since) = phase.withLock(\.self) else { return true }
        return start < since
    }
}
