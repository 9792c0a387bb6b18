import Foundation

/// What a network's answers to labelled images come to: loss, top-1, top-5, and which classes it confuses.
///
/// Answers are added one by one, in any order; two evaluations of parts are merged into that of the whole.
public struct Evaluation: Sendable, Equatable {
    /// Which class was taken for which.
    public private(set) var confusion: ConfusionMatrix
    /// Images whose class is among the five most likely.
    public private(set) var top5CorrectCount = 0
    private var lossSum = 0.0

    /// What one answer comes to.
    public struct Outcome: Sendable, Equatable {
        /// The most likely class; of two equal ones the lower.
        public let predicted: Int
        /// How likely it is, 0…1.
        public let probability: Double
        /// −ln of the true class's probability.
        public let loss: Double
        /// How many classes are more likely than the true one.
        public let rank: Int
    }

    /// Nothing added yet.
    public init(classCount: Int) { confusion = ConfusionMatrix(classCount: classCount) }

    /// How many answers there were.
    public var count: Int { confusion.count }

    /// The mean softmax cross-entropy; NaN or infinite where a logit was, and NaN of nothing.
    public var loss: Double { lossSum / Double(count) }

    /// The share of images whose class is the most likely one; NaN of nothing.
    public var top1: Double { Double(confusion.correctCount) / Double(count) }

    /// The share of images whose class is among the five most likely; NaN of nothing.
    public var top5: Double { Double(top5CorrectCount) / Double(count) }

    /// Adds the answer to one image.
    ///
    /// A logit that is not a number makes the answer a wrong one.
    /// - Parameters:
    ///   - logits: `[K]`, before the soft-max.
    ///   - label: the true class.
    @discardableResult
    public mutating func add(logits: some RandomAccessCollection<Float>, label: Int) -> Outcome {
        precondition(
            logits.count == confusion.classCount && 0..<confusion.classCount ~= label,
            "\(logits.count) logits and label \(label) for \(confusion.classCount) classes")
        let outcome = Self.outcome(of: Array(logits), label: label)
        confusion.add(label: label, predicted: outcome.predicted)
        if outcome.rank < 5 { top5CorrectCount += 1 }
        lossSum += outcome.loss
        return outcome
    }

    /// Adds the answers to other images.
    public mutating func merge(_ other: Evaluation) {
        confusion.merge(other.confusion)
        top5CorrectCount += other.top5CorrectCount
        lossSum += other.lossSum
    }

    private static func outcome(of logits: [Float], label: Int) -> Outcome {
        guard !logits.contains(where: \.isNaN) else {
            let predicted = logits.count == 1 ? 0 : label == 0 ? 1 : 0
            return Outcome(predicted: predicted, probability: .nan, loss: .nan, rank: logits.count)
        }
        var predicted = 0
        for (index, logit) in logits.enumerated() where logit > logits[predicted] { predicted = index }
        let own = logits[label]
        // Equal logits rank by their index, as in Classification.
        let rank = logits.indices.count { logits[$0] > own || logits[$0] == own && $0 < label }
        let largest = Double(logits[predicted])
        let sum = logits.reduce(0) { $0 + exp(Double($1) - largest) }
        return Outcome(
            predicted: predicted, probability: 1 / sum, loss: log(sum) + largest - Double(own), rank: rank)
    }
}

/// Of all mistakes, those with the largest loss: the images that are worth looking at.
public struct WorstMistakes: Sendable {
    /// The worst first.
    public private(set) var mistakes: [Mistake] = []
    private let limit: Int

    /// Keeps no more than that.
    public init(limit: Int) { self.limit = limit }

    /// Looks at one answer.
    public mutating func add(_ outcome: Evaluation.Outcome, label: Int, name: @autoclosure () -> String) {
        guard limit > 0, outcome.predicted != label, !outcome.loss.isNaN else { return }
        if mistakes.count == limit, let least = mistakes.last, outcome.loss <= least.loss { return }
        let mistake = Mistake(
            name: name(), label: label, predicted: outcome.predicted, probability: outcome.probability,
            loss: outcome.loss)
        // Behind its equals, so that the order does not depend on chance.
        let place = mistakes.firstIndex { $0.loss < mistake.loss } ?? mistakes.endIndex
        mistakes.insert(mistake, at: place)
        if mistakes.count > limit { mistakes.removeLast() }
    }
}

/// An image that was taken for something else.
public struct Mistake: Sendable, Equatable {
    /// Where the image is: its path, or the file and the place in it.
    public let name: String
    /// The true class's index in the model's class map.
    public let label: Int
    /// The class that it was taken for.
    public let predicted: Int
    /// How likely that class was said to be, 0…1.
    public let probability: Double
    /// −ln of the true class's probability.
    public let loss: Double
}
