/// How well one class is told from the others.
public struct ClassScore: Sendable, Equatable {
    /// Pictures of the class that were taken for it.
    public let correctCount: Int
    /// Pictures of the class.
    public let count: Int
    /// Pictures that were taken for the class.
    public let predictedCount: Int

    /// Counts that belong together.
    public init(correctCount: Int, count: Int, predictedCount: Int) {
        self.correctCount = correctCount
        self.count = count
        self.predictedCount = predictedCount
    }

    /// Of the pictures that were taken for the class, the share that belongs to it; nil where there is none.
    public var precision: Double? { Self.ratio(correctCount, predictedCount) }

    /// Of the pictures of the class, the share that was taken for it; nil where there is none.
    public var recall: Double? { Self.ratio(correctCount, count) }

    /// The harmonic mean of precision and recall; nil where the class neither occurs nor is predicted.
    public var f1: Double? { Self.ratio(2 * correctCount, count + predictedCount) }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole == 0 ? nil : Double(part) / Double(whole)
    }
}
