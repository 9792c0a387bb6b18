import Files
import HTTPServer

/// One of several pictures: an answer, or an error in its place.
public enum PredictionEntry: Sendable {
    case answer(PredictionAnswer)
    /// The status is what the picture alone would have been answered with.
    case error(status: Int?, detail: String, filename: String?)

    /// The entry as JSON, names in alphabetical order.
    public var json: String {
        switch self {
        case .answer(let answer): return answer.json
        case .error(let status, let detail, let filename):
            var json = #"{"error":{"detail":\#(JSONText.quoted(detail))"#
            if let status { json += #","status":\#(status)"# }
            json += "}"
            if let filename { json += #","filename":\#(JSONText.quoted(filename))"# }
            return json + "}"
        }
    }
}
