/// An evaluation as a document: what `alexnet evaluate --json` writes.
public struct EvaluationReport: Sendable, Encodable {
    /// What was evaluated, as the command line names it.
    public struct Subject: Sendable, Encodable {
        public let model: String
        public let version: String
        public let data: String
        /// What is known of whether the model was trained on them.
        public let origin: EvaluationData.Origin
        /// Whether ten crops of each picture were averaged.
        public let tenCrop: Bool
        /// Whether the pictures' colours were inverted.
        public let inverted: Bool

        /// A model and its data.
        public init(
            model: String, version: String, data: String, origin: EvaluationData.Origin = .unknown, tenCrop: Bool,
            inverted: Bool
        ) {
            self.model = model
            self.version = version
            self.data = data
            self.origin = origin
            self.tenCrop = tenCrop
            self.inverted = inverted
        }

        private enum CodingKeys: String, CodingKey {
            case model, version, data, origin, inverted
            case trainedCount = "trained_on"
            case tenCrop = "ten_crop"
        }

        /// `trained_on` is how many of the images the model was trained on, and `null` where nobody knows.
        public func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(model, forKey: .model)
            try values.encode(version, forKey: .version)
            try values.encode(data, forKey: .data)
            try values.encode(origin.name, forKey: .origin)
            try values.encode(origin.trainedCount, forKey: .trainedCount)
            try values.encode(tenCrop, forKey: .tenCrop)
            try values.encode(inverted, forKey: .inverted)
        }
    }

    private struct ClassEntry: Encodable {
        let name: String
        let score: ClassScore

        private enum CodingKeys: String, CodingKey {
            case name = "class"
            case precision, recall, f1, pictures, predicted
        }

        func encode(to encoder: any Encoder) throws {
            var values = encoder.container(keyedBy: CodingKeys.self)
            try values.encode(name, forKey: .name)
            try values.encode(score.precision, forKey: .precision)
            try values.encode(score.recall, forKey: .recall)
            try values.encode(score.f1, forKey: .f1)
            try values.encode(score.count, forKey: .pictures)
            try values.encode(score.predictedCount, forKey: .predicted)
        }
    }

    private struct MistakeEntry: Encodable {
        let name: String
        let label: String
        let predicted: String
        let probability: Double
        let loss: Double?

        private enum CodingKeys: String, CodingKey {
            case predicted, probability, loss
            case name = "picture"
            case label = "class"
        }
    }

    private enum CodingKeys: String, CodingKey {
        case subject, pictures, skipped, loss, top1, top5, classes, confusion, mistakes
        case leftOut = "left_out"
    }

    /// What was evaluated.
    public let subject: Subject
    /// The names of the model's classes.
    public let classNames: [String]
    /// What came of it.
    public let result: Evaluator.Result
    /// The files of the data that were not taken as pictures.
    public let leftOut: LeftOutFiles

    /// A report on a result.
    public init(subject: Subject, classNames: [String], result: Evaluator.Result, leftOut: LeftOutFiles = .none) {
        self.leftOut = leftOut
        self.subject = subject
        self.classNames = classNames
        self.result = result
    }

    /// Numbers that are not finite, which JSON has not, become `null`.
    public func encode(to encoder: any Encoder) throws {
        let evaluation = result.evaluation
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(subject, forKey: .subject)
        try values.encode(evaluation.count, forKey: .pictures)
        try values.encode(result.skipped.map(\.description), forKey: .skipped)
        try values.encode(leftOut.groups, forKey: .leftOut)
        try values.encode(evaluation.loss.isFinite ? evaluation.loss : nil, forKey: .loss)
        try values.encode(evaluation.top1, forKey: .top1)
        try values.encode(evaluation.top5, forKey: .top5)
        try values.encode(
            classNames.enumerated().map { ClassEntry(name: $1, score: evaluation.confusion.score(of: $0)) },
            forKey: .classes)
        try values.encode(classNames.indices.map(evaluation.confusion.row), forKey: .confusion)
        try values.encode(
            result.worst.mistakes.map {
                MistakeEntry(
                    name: $0.name, label: classNames[$0.label], predicted: classNames[$0.predicted],
                    probability: $0.probability, loss: $0.loss.isFinite ? $0.loss : nil)
            }, forKey: .mistakes)
    }
}
