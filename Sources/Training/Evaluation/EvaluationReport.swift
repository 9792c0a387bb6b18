import Foundation

/// The report of an evaluation, as the JSON of `alexnet evaluate --json` and as tables.
public struct EvaluationReport: Sendable, Encodable {
    /// What was evaluated: the model and the data.
    public struct Subject: Sendable, Encodable {
        /// The model's name.
        public let model: String
        /// The model's version: the digest of what was loaded.
        public let version: String
        /// The argument of `--data`.
        public let data: String
        /// How the data relate to the model's training data.
        public let origin: EvaluationData.Origin
        /// Whether the probabilities of ten crops were averaged.
        public let tenCrop: Bool
        /// Whether the images' colours were inverted.
        public let inverted: Bool

        /// A model and the data that it was evaluated on.
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

        /// `trained_on` is the number of images that the model was trained on, or `null` if that is unknown.
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
        case ignored = "left_out"
    }

    /// The model and the data.
    public let subject: Subject
    /// The names of the model's classes, by index.
    public let classNames: [String]
    /// The metrics, the worst mistakes and the unreadable images.
    public let result: Evaluator.Result
    /// The files of the data folder that were not read as images.
    public let ignored: IgnoredFiles

    /// The report of a result.
    public init(subject: Subject, classNames: [String], result: Evaluator.Result, ignored: IgnoredFiles = .none) {
        self.ignored = ignored
        self.subject = subject
        self.classNames = classNames
        self.result = result
    }

    /// Numbers that are not finite are encoded as `null`, because JSON cannot express them.
    public func encode(to encoder: any Encoder) throws {
        let evaluation = result.evaluation
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(subject, forKey: .subject)
        try values.encode(evaluation.count, forKey: .pictures)
        try values.encode(result.skipped.map(\.description), forKey: .skipped)
        try values.encode(ignored.groups, forKey: .ignored)
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

extension EvaluationReport {
    /// The most classes for which the matrix is printed. A larger matrix is wider than a terminal, so the most frequent
    /// confusions are listed instead.
    private static let maxMatrixClassCount = 20
    private static let confusionCount = 20
    /// The longest printed name. Units: characters.
    private static let maxNameWidth = 24

    /// The report as tables.
    public var text: String {
        var sections = [summary, classTable]
        sections.append(classNames.count <= Self.maxMatrixClassCount ? matrix : confusions)
        if !result.worst.mistakes.isEmpty { sections.append(mistakes) }
        return sections.joined(separator: "\n")
    }

    private var summary: String {
        let evaluation = result.evaluation
        var lines = [
            "\(subject.model) (\(subject.version)) on \(subject.data)"
                + (subject.inverted ? ", colours inverted" : "") + (subject.tenCrop ? ", ten crops" : ""),
            "images    \(evaluation.count)" + origin
                + (result.skipped.isEmpty ? "" : ", and \(result.skipped.count) that could not be read"),
            "top-1     " + Self.percent(evaluation.top1),
        ]
        if ignored.count > 0 {
            lines.insert(
                "left out  \(ignored.count == 1 ? "1 file" : "\(ignored.count) files"): \(ignored.summary)", at: 2)
        }
        if classNames.count > 5 { lines.append("top-5     " + Self.percent(evaluation.top5)) }
        lines.append("loss      " + String(format: "%.4f", evaluation.loss))
        return lines.joined(separator: "\n") + "\n"
    }

    /// The text about the data's origin that follows the number of images.
    private var origin: String {
        switch subject.origin {
        case .unknown, .changed, .untouched: ""
        case .heldOut: " that were held out of training"
        case .validation: " that chose the best epoch"
        case .trained(let count): ", \(count) of which were trained on"
        }
    }

    private var classTable: String {
        let width = min(max(classNames.map(\.count).max() ?? 0, 5), Self.maxNameWidth)
        var lines = [Self.padded("class", width) + "  precision     recall         F1     images"]
        for (index, name) in classNames.enumerated() {
            let score = result.evaluation.confusion.score(of: index)
            let numbers = [score.precision, score.recall, score.f1].map { value in
                Self.leftPadded(value.map(Self.percent) ?? "–", 11)
            }
            lines.append(Self.padded(name, width) + numbers.joined() + Self.leftPadded("\(score.count)", 11))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The confusion matrix as a table. Rows are the true classes. Columns are the predicted classes, as numbers to
    /// save width.
    private var matrix: String {
        let confusion = result.evaluation.confusion
        let nameWidth = min(max(classNames.map(\.count).max() ?? 0, 15), Self.maxNameWidth)
        let width = max(5, "\(confusion.count)".count + 1)
        var lines = [
            Self.padded("true, predicted", nameWidth) + "   "
                + classNames.indices.map { Self.leftPadded("\($0)", width) }.joined()
        ]
        for (index, name) in classNames.enumerated() {
            let counts = confusion.row(index).map { Self.leftPadded($0 == 0 ? "·" : "\($0)", width) }
            lines.append(Self.leftPadded("\(index)", 2) + " " + Self.padded(name, nameWidth) + counts.joined())
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var confusions: String {
        let confusions = result.evaluation.confusion.mostFrequentConfusions(Self.confusionCount)
        let lines = confusions.map { confusion in
            Self.leftPadded("\(confusion.count)", 6) + "  " + classNames[confusion.label] + " taken for "
                + classNames[confusion.predicted]
        }
        return (["most frequent confusions"] + lines).joined(separator: "\n") + "\n"
    }

    private var mistakes: String {
        let lines = result.worst.mistakes.map { mistake in
            String(format: "%7.2f  ", mistake.loss) + classNames[mistake.label] + " taken for "
                + classNames[mistake.predicted] + String(format: " (%.1f %%)  ", mistake.probability * 100)
                + mistake.name.printable
        }
        return (["   loss  worst mistakes"] + lines).joined(separator: "\n") + "\n"
    }

    private static func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }

    private static func padded(_ text: String, _ width: Int) -> String {
        let text = text.printable
        let shortened = text.count > width ? text.prefix(width - 1) + "…" : text
        return shortened + String(repeating: " ", count: max(0, width - shortened.count))
    }

    private static func leftPadded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}

extension String {
    /// The text with control characters replaced. In a file name, they could move a terminal's cursor.
    package var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
