/// One of several pictures: an answer, or an error in its place.
public enum PredictionEntry: Encodable, Sendable {
    case answer(PredictionAnswer)
    /// The status is what the picture alone would have been answered with.
    case error(status: Int?, detail: String, filename: String?)

    private enum CodingKeys: String, CodingKey { case error, filename }

    private struct Problem: Encodable {
        let status: Int?
        let detail: String
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .answer(let answer): try answer.encode(to: encoder)
        case .error(let status, let detail, let filename):
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(Problem(status: status, detail: detail), forKey: .error)
            try container.encodeIfPresent(filename, forKey: .filename)
        }
    }
}

/// Several pictures' answers, in upload order.
struct PredictionList: Encodable, Sendable {
    let predictions: [PredictionEntry]
}
