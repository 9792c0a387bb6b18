/// Why a request was turned away: the label `reason` of `alexnet_rejected_total`.
enum RejectionReason: String, Sendable, CaseIterable {
    case queueFull = "queue_full"
    case deadline
    case draining
    case notReady = "not_ready"
    case cancelled
}
