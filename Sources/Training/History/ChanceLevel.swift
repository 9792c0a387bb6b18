import Foundation

/// The loss of a network that gives every image the same answer: that of the classes' frequencies, ln K where they are equal.
///
/// A network whose units all died, after a first few steps that were too large, stays there for good; one whose steps are too
/// small stays there for a while.
public struct ChanceLevel: Sendable, Equatable {
    /// The mean cross-entropy of always answering with the frequencies.
    public let loss: Double
    /// How many classes there are.
    public let classCount: Int

    /// A loss closer than this share is no sign that anything was learnt.
    static let margin = 0.02
    /// How many epochs, and steps, a training has before it is said to have learnt nothing.
    static let epochCount = 4
    static let stepCount = 30

    /// - Parameters:
    ///   - labels: of the images to learn from.
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

    /// Whether the last epochs learnt nothing, and it is time to say so: where it becomes so for the first time.
    ///
    /// - Parameters:
    ///   - history: the epochs so far.
    ///   - isLast: whether no epoch follows: then fewer are enough.
    public func isReached(by history: History, stepsPerEpoch: Int, isLast: Bool) -> Bool {
        let rows = history.rows
        func isStuck(after count: Int) -> Bool {
            rows[..<count].suffix(Self.epochCount).allSatisfy { $0.trainLoss >= loss * (1 - Self.margin) }
        }
        let least = max(Self.epochCount, (Self.stepCount + stepsPerEpoch - 1) / stepsPerEpoch)
        guard !rows.isEmpty, isStuck(after: rows.count) else { return false }
        if rows.count < least { return isLast }
        // Said once: not where an epoch before was one already.
        return !(least..<max(rows.count, least)).contains(where: isStuck)
    }
}
