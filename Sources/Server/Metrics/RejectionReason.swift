/// Why work that was in order was turned away or dropped.
public enum RejectionReason: String, Sendable, CaseIterable {
    /// The queue holds as many images, or bytes of them, as it may: 429.
    case queueFull = "queue_full"
    /// The answer did not come within the request's deadline: 504.
    case deadline
    /// The server is stopping: 503.
    case draining
    /// No model is ready: 503.
    case notReady = "not_ready"
    /// The client hung up while its image waited.
    case disconnected
}
