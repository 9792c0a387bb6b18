import HTTPServer

/// By when a request must be answered, and who says so: so long behind its last byte. How long the upload takes is the
/// connection's affair.
struct RequestDeadline: Sendable, Equatable {
    let time: ContinuousClock.Instant
    let limit: Duration
    /// Where the limit comes from, for a sentence.
    let origin: String

    /// The server's own limit, or what the client has patience for where that is less.
    init(_ request: Request, settings: Settings, patience: Duration? = nil) {
        let own = settings.batching.requestDeadline
        if let patience, patience < own {
            limit = patience
            origin = "the request's timeout"
        } else {
            limit = own
            origin = "batching.request_deadline"
        }
        time = request.receivedAt + limit
    }
}
