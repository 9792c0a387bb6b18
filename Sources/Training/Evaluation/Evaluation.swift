import Foundation

/// The metrics of predictions on labelled images: loss, top-1, top-5 and the confusion matrix.
///
/// Predictions are added one by one, in any order. Evaluations of several parts can be merged.
public struct Evaluation: Sendable, Equatable {
    /// The number of images for each pair of true class and predicted class.
    public private(set) var confusion: ConfusionMatrix
    /// The number of images whose true class is among the five most probable.
    public private(set) var top5CorrectCount = 0
    private var lossSum = 0.0

    /// The metrics of one prediction.
    public struct Outcome: Sendable, Equatable {
        /// The most probable class. Of equally probable classes, the lowest index.
        public let predicted: Int
        /// The probability of the predicted class, 0…1.
        public let probability: Double
        /// The cross-entropy: −ln of the true class's probability. Units: nats.
        public let loss: Double
        /// The number of classes that are more probable than the true one.
        public let rank: Int
    }

    /// An evaluation without predictions.
    public init(classCount: Int) { confusion = ConfusionMatrix(classCount: classCount) }

    /// The number of predictions.
    public var count: Int { confusion.count }

    /// The mean softmax cross-entropy. It is NaN or infinite if a logit is, and NaN without predictions. Units: nats.
    public var loss: Double { lossSum / Double(count) }

    /// Top-1 accuracy: the share of images whose true class is the most probable one, 0…1; NaN without predictions.
    public var top1: Double { Double(confusion.correctCount) / Double(count) }

    /// Top-5 accuracy: the share of images whose true class is among the five most probable, 0…1; NaN without
    /// predictions.
    public var top5: Double { Double(top5CorrectCount) / Double(count) }

    /// Adds the prediction for one image.
    ///
    /// A prediction with a NaN among its logits counts as wrong.
    /// - Parameters:
    ///   - logits: `[K]`, before the softmax.
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

    /// Adds the predictions of an evaluation of other images.
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
        // Of equal logits, the lower index ranks first, as in Classification.
        let rank = logits.indices.count { logits[$0] > own || logits[$0] == own && $0 < label }
        let largest = Double(logits[predicted])
        let sum = logits.reduce(0) { $0 + exp(Double($1) - largest) }
        return Outcome(
            predicted: predicted, probability: 1 / sum, loss: log(sum) + largest - Double(own), rank: rank)
    }
}

/// The wrong predictions with the largest loss, which are worth inspecting.
public struct WorstMistakes: Sendable {
    /// The mistakes, largest loss first.
    public private(set) var mistakes: [Mistake] = []
    private let limit: Int

    /// An empty list that keeps at most `limit` mistakes.
    public init(limit: Int) { self.limit = limit }

    /// Adds a prediction if it is wrong and among the worst.
    public mutating func add(_ outcome: Evaluation.Outcome, label: Int, name: @autoclosure () -> String) {
        guard limit > 0, outcome.predicted != label, !outcome.loss.isNaN else { return }
        if mistakes.count == limit, let least = mistakes.last, outcome.loss <= least.loss { return }
        let mistake = Mistake(
            name: name(), label: label, predicted: outcome.predicted, probability: outcome.probability,
            loss: outcome.loss)
        // Mistakes with equal losses keep the order in which they were added.
        let place = mistakes.firstIndex { $0.loss < mistake.loss } ?? mistakes.endIndex
        mistakes.insert(mistake, at: place)
        if mistakes.count > limit { mistakes.removeLast() }
    }
}

/// An image that was predicted wrongly.
public struct Mistake: Sendable, Equatable {
    /// The image's name: its path, or `FILE#INDEX` in a file that holds many images.
    public let name: String
    /// The true class's index in the model's class map.
    public let label: Int
    /// The predicted class's index in the model's class map.
    public let predicted: Int
    /// The probability of the predicted class, 0…1.
    public let probability: Double
    /// The cross-entropy: −ln of the true class's probability. Units: nats.
    public let loss: Double
}
