import Inference

/// One picture's answer, as `POST /predict` and `alexnet predict --json` write it.
public struct PredictionAnswer: Encodable, Sendable {
    private let best: Classification.Candidate
    private let top: [Classification.Candidate]
    private let model: String
    private let version: String
    private let filename: String?

    /// What `model` says about the picture that was called `filename`.
    public init(_ classification: Classification, by model: Model, filename: String?) {
        best = classification.best
        top = classification.top
        self.model = model.name
        version = model.version
        self.filename = filename
    }

    private enum CodingKeys: String, CodingKey { case top, model, version, filename }

    public func encode(to encoder: any Encoder) throws {
        try best.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(top, forKey: .top)
        try container.encode(model, forKey: .model)
        try container.encode(version, forKey: .version)
        try container.encodeIfPresent(filename, forKey: .filename)
    }
}
