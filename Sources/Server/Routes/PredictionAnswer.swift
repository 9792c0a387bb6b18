import HTTPServer
import Inference

/// One picture's answer, as `POST /predict` and `alexnet predict --json` write it.
public struct PredictionAnswer: Sendable {
    private let classification: Classification
    private let model: String
    private let version: String
    private let filename: String?

    /// What `model` says about the picture that was called `filename`.
    public init(_ classification: Classification, by model: Model, filename: String?) {
        self.classification = classification
        self.model = model.name
        version = model.version
        self.filename = filename
    }

    /// The answer as JSON, names in alphabetical order, probabilities in the fewest digits that read back as the same
    /// float32. Written by hand, since an encoder takes as long as the rest of the answer.
    public var json: String {
        let best = classification.best
        var json = #"{"class":\#(JSONText.quoted(best.label))"#
        if let filename { json += #","filename":\#(JSONText.quoted(filename))"# }
        json +=
            #","index":\#(best.index),"model":\#(JSONText.quoted(model)),"probability":\#(best.probability),"top":["#
        for (place, candidate) in classification.top.enumerated() {
            if place > 0 { json += "," }
            json += #"{"class":\#(JSONText.quoted(candidate.label)),"index":\#(candidate.index)"#
            json += #","probability":\#(candidate.probability)}"#
        }
        return json + #"],"version":"\#(version)"}"#
    }
}
