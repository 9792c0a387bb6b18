/// The number of images for each pair of true class and predicted class.
///
/// Axes: rows are the true classes, columns the predicted ones.
public struct ConfusionMatrix: Sendable, Equatable {
    /// The number of classes: the length of both axes.
    public let classCount: Int
    /// The number of images counted.
    public private(set) var count = 0
    private var counts: [Int]

    /// An empty matrix.
    public init(classCount: Int) {
        precondition(classCount > 0, "a confusion matrix needs a class, not \(classCount)")
        self.classCount = classCount
        counts = [Int](repeating: 0, count: classCount * classCount)
    }

    /// Counts one image.
    public mutating func add(label: Int, predicted: Int) {
        precondition(
            0..<classCount ~= label && 0..<classCount ~= predicted,
            "classes \(label) and \(predicted) are not both below \(classCount)")
        counts[label * classCount + predicted] += 1
        count += 1
    }

    /// Adds the counts of another matrix of the same classes.
    public mutating func merge(_ other: ConfusionMatrix) {
        precondition(classCount == other.classCount, "\(classCount) classes do not merge with \(other.classCount)")
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
    }

    /// The number of images of class `label` that were predicted as class `predicted`.
    public subscript(label label: Int, predicted predicted: Int) -> Int { counts[label * classCount + predicted] }

    /// One row: the number of predictions of each class, for the images of class `label`.
    public func row(_ label: Int) -> [Int] { Array(counts[label * classCount..<(label + 1) * classCount]) }

    /// The number of correct predictions.
    public var correctCount: Int { (0..<classCount).reduce(0) { $0 + self[label: $1, predicted: $1] } }

    /// Precision, recall and F1 of one class.
    public func score(of label: Int) -> ClassScore {
        ClassScore(
            correctCount: self[label: label, predicted: label], count: row(label).reduce(0, +),
            predictedCount: (0..<classCount).reduce(0) { $0 + self[label: $1, predicted: label] })
    }

    /// A pair of classes that were confused.
    public struct Confusion: Sendable, Equatable {
        /// The true class.
        public let label: Int
        /// The predicted class.
        public let predicted: Int
        /// The number of images of the true class that were predicted as the other.
        public let count: Int
    }

    /// The most frequent confusions; ties are sorted by true class, then by predicted class.
    public func mostFrequentConfusions(_ limit: Int) -> [Confusion] {
        var confusions: [Confusion] = []
        for label in 0..<classCount {
            for predicted in 0..<classCount where predicted != label {
                let count = self[label: label, predicted: predicted]
                if count > 0 { confusions.append(Confusion(label: label, predicted: predicted, count: count)) }
            }
        }
        return Array(
            confusions.sorted { ($1.count, $0.label, $0.predicted) < ($0.count, $1.label, $1.predicted) }.prefix(limit))
    }
}

/// Precision, recall and F1 of one class.
public struct ClassScore: Sendable, Equatable {
    /// True positives: images of the class that were predicted as it.
    public let correctCount: Int
    /// True positives and false negatives: all images of the class.
    public let count: Int
    /// True and false positives: all images that were predicted as the class.
    public let predictedCount: Int

    /// The score for these counts.
    public init(correctCount: Int, count: Int, predictedCount: Int) {
        self.correctCount = correctCount
        self.count = count
        self.predictedCount = predictedCount
    }

    /// The share of the images predicted as the class that belong to it, 0…1; nil if no image was predicted as it.
    public var precision: Double? { Self.ratio(correctCount, predictedCount) }

    /// The share of the images of the class that were predicted as it, 0…1; nil if there is no image of the class.
    public var recall: Double? { Self.ratio(correctCount, count) }

    /// The harmonic mean of precision and recall, 0…1; nil if the class neither occurs nor is predicted.
    public var f1: Double? { Self.ratio(2 * correctCount, count + predictedCount) }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
    }
}
