/// How often images of each class were taken for each class.
///
/// Axes: rows are the true classes, columns the predicted ones.
public struct ConfusionMatrix: Sendable, Equatable {
    /// Of both axes.
    public let classCount: Int
    /// How many images were counted.
    public private(set) var count = 0
    private var counts: [Int]

    /// Nothing counted yet.
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

    /// Adds what another matrix of the same classes has counted.
    public mutating func merge(_ other: ConfusionMatrix) {
        precondition(classCount == other.classCount, "\(classCount) classes do not merge with \(other.classCount)")
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
    }

    /// How many images of class `label` were taken for class `predicted`.
    public subscript(label label: Int, predicted predicted: Int) -> Int { counts[label * classCount + predicted] }

    /// One row: what images of a class were taken for.
    public func row(_ label: Int) -> [Int] { Array(counts[label * classCount..<(label + 1) * classCount]) }

    /// The images that were taken for what they are.
    public var correctCount: Int { (0..<classCount).reduce(0) { $0 + self[label: $1, predicted: $1] } }

    /// How well one class is told from the others.
    public func score(of label: Int) -> ClassScore {
        ClassScore(
            correctCount: self[label: label, predicted: label], count: row(label).reduce(0, +),
            predictedCount: (0..<classCount).reduce(0) { $0 + self[label: $1, predicted: label] })
    }

    /// One kind of mistake, and how often it was made.
    public struct Confusion: Sendable, Equatable {
        /// The true class.
        public let label: Int
        public let predicted: Int
        public let count: Int
    }

    /// The mistakes that were made most often; of two equal ones, that of the lower class first.
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

/// How well one class is told from the others.
public struct ClassScore: Sendable, Equatable {
    /// Images of the class that were taken for it.
    public let correctCount: Int
    /// Images of the class.
    public let count: Int
    /// Images that were taken for the class.
    public let predictedCount: Int

    /// Counts that belong together.
    public init(correctCount: Int, count: Int, predictedCount: Int) {
        self.correctCount = correctCount
        self.count = count
        self.predictedCount = predictedCount
    }

    /// Of the images that were taken for the class, the share that belongs to it; nil where there is none.
    public var precision: Double? { Self.ratio(correctCount, predictedCount) }

    /// Of the images of the class, the share that was taken for it; nil where there is none.
    public var recall: Double? { Self.ratio(correctCount, count) }

    /// The harmonic mean of precision and recall; nil where the class neither occurs nor is predicted.
    public var f1: Double? { Self.ratio(2 * correctCount, count + predictedCount) }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
    }
}
