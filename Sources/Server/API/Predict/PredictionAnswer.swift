import Files
import HTTPServer
import Inference

/// One image's answer, as `POST /predict` and `alexnet predict --json` write it.
public struct PredictionAnswer: Sendable {
    private let classification: Classification
    private let model: String
    private let version: String
    private let filename: String?

    /// The answer of `model` for the image that the client called `filename`.
    public init(_ classification: Classification, by model: Model, filename: String?) {
        self.classification = classification
        self.model = model.name
        version = model.version
        self.filename = filename
    }

    /// The answer as JSON, names in alphabetical order, probabilities in the fewest digits that read back as the same
    /// float32. Written by hand, since JSONEncoder would take as long as the rest of the answer.
    public var json: String {
        let best = classification.best
        var json = ""
        json.reserveCapacity(256 + 80 * classification.top.count)
        json += #"{"class":"#
        JSONText.append(best.label, to: &json)
        if let filename {
            json += #","filename":"#
            JSONText.append(filename, to: &json)
        }
        json += #","index":"#
        json += String(best.index)
        json += #","model":"#
        JSONText.append(model, to: &json)
        json += #","probability":"#
        json += best.probability.description
        json += #","top":["#
        for (place, candidate) in classification.top.enumerated() {
            json += place == 0 ? #"{"class":"# : #",{"class":"#
            JSONText.append(candidate.label, to: &json)
            json += #","index":"#
            json += String(candidate.index)
            json += #","probability":"#
            json += candidate.probability.description
            json += "}"
        }
        json += #"],"version":""#
        json += version
        json += #""}"#
        return json
    }
}

/// The entry of one of several images: its answer, or an error.
public enum PredictionEntry: Sendable {
    /// The image's answer.
    case answer(PredictionAnswer)
    /// An error. `status` is the one that a request with this image alone would get.
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
