import Foundation

/// The chance level: the loss of a network that always predicts the class frequencies. For K equally frequent classes
/// it is ln K.
///
/// A network whose first steps were too large may have dead units and stay at this level forever. A network whose steps
/// are too small stays there for some epochs.
public struct ChanceLevel: Sendable, Equatable {
    /// The entropy of the class frequencies, with label smoothing. Units: nats.
    public let loss: Double
    /// The number of classes.
    public let classCount: Int

    /// The relative distance from the chance level below which a loss does not show any learning.
    static let margin = 0.02
    /// The least number of epochs and of steps after which a training is reported to be at chance level.
    static let epochCount = 4
    static let stepCount = 30

    /// - Parameters:
    ///   - labels: the classes of the training images.
    ///   - smoothing: see ``SoftmaxCrossEntropy``.
    public init(labels: some Sequence<Int>, classCount: Int, smoothing: Double = 0) {
        var counts = [Int](repeating: 0, count: classCount)
        for label in labels { counts[label] += 1 }
        let total = Double(max(counts.reduce(0, +), 1))
        loss = counts.reduce(0) { sum, count in
            let share = (1 - smoothing) * Double(count) / total + smoothing / Double(classCount)
            return share > 0 ? sum - share * log(share) : sum
        }
        self.classCount = classCount
    }

    /// Whether the last epochs are at chance level, for the first time in this training.
    ///
    /// - Parameters:
    ///   - history: the epochs so far.
    ///   - isLast: whether this is the last epoch; fewer epochs are enough then.
    public func isReached(by history: History, stepsPerEpoch: Int, isLast: Bool) -> Bool {
        let rows = history.rows
        func isStuck(after count: Int) -> Bool {
            rows[..<count].suffix(Self.epochCount).allSatisfy { $0.trainLoss >= loss * (1 - Self.margin) }
        }
        let least = max(Self.epochCount, (Self.stepCount + stepsPerEpoch - 1) / stepsPerEpoch)
        guard !rows.isEmpty, isStuck(after: rows.count) else { return false }
        if rows.count < least { return isLast }
        // It is reported once: not again if an earlier epoch was reported.
        return !(least..<max(rows.count, least)).contains(where: isStuck)
    }
}
