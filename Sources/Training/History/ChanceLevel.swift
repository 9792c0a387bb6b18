import Foundation

/// The chance level: the loss of a network that always predicts the classes' frequencies. It is ln K for K equal
/// classes.
///
/// A network with dead units, after first steps that were too large, stays there for good. One whose steps are too
/// small stays there for some epochs.
public struct ChanceLevel: Sendable, Equatable {
    /// The entropy of the classes' frequencies, with label smoothing. Units: nats.
    public let loss: Double
    /// The number of classes.
    public let classCount: Int

    /// A loss within this share of the chance level does not show that anything was learnt.
    static let margin = 0.02
    /// A training is reported to be at chance level after at least this many epochs and steps.
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

    /// Are the last epochs at chance level, for the first time in this training?
    ///
    /// - Parameters:
    ///   - history: the epochs so far.
    ///   - isLast: does no epoch follow? Then fewer epochs are enough.
    public func isReached(by history: History, stepsPerEpoch: Int, isLast: Bool) -> Bool {
        let rows = history.rows
        func isStuck(after count: Int) -> Bool {
            rows[..<count].suffix(Self.epochCount).allSatisfy { $0.trainLoss >= loss * (1 - Self.margin) }
        }
        let least = max(Self.epochCount, (Self.stepCount + stepsPerEpoch - 1) / stepsPerEpoch)
        guard !rows.isEmpty, isStuck(after: rows.count) else { return false }
        if rows.count < least { return isLast }
        // Reported once: not if an earlier epoch was reported already.
        return !(least..<max(rows.count, least)).contains(where: isStuck)
    }
}
