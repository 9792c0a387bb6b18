/// Why a request for predictions has no answer at all.
public enum PredictionError: Error, Equatable, Sendable {
    /// The queue has no place for all of its images.
    case queueFull(reason: String)
    /// Its images have more pixels in all than one request may.
    case tooManyPixels(found: Int, limit: Int)
    /// The answer did not come in time.
    case deadlineExceeded
    /// Nobody waits for the answer any more.
    case cancelled
}
