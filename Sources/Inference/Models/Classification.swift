import Algorithms
import Foundation

/// What a model says about one image.
public struct Classification: Sendable, Equatable {
    /// One class and its probability.
    public struct Candidate: Sendable, Equatable {
        /// The class's name.
        public let label: String
        /// 0…1.
        public let probability: Float
        /// The class's index in the class map.
        public let index: Int
    }

    /// The most likely classes, best first; at least one.
    public let top: [Candidate]

    /// The most likely class.
    public var best: Candidate { top[0] }

    /// Ranks a network's outputs; of two equal ones, the one with the lower index comes first.
    ///
    /// - Parameter count: how many candidates to keep, at least one and at most as many as there are classes.
    public init(logits: [Float], classes: ClassMap, top count: Int) {
        let probabilities = Softmax.probabilities(of: logits)
        let ranked = probabilities.indices.min(count: max(count, 1)) {
            (probabilities[$0], logits[$0], -$0) > (probabilities[$1], logits[$1], -$1)
        }
        top = ranked.map {
            Candidate(label: classes.names[$0], probability: probabilities[$0], index: $0)
        }
    }
}

/// Turns logits into probabilities: exp(x − max) / Σ exp(x − max), or a sigmoid where there is one logit; in float32
/// with the sum in float64.
///
/// Shape: any number of logits, as many probabilities.
/// - Source: PyTorch, `torch.softmax(x, dim: 1)`.
public enum Softmax {
    /// The probabilities of a network's classes from its outputs.
    ///
    /// The probabilities of several classes are their soft-max, and sum to 1. A single output x is the logit of the
    /// second of two classes, whose probability is the sigmoid 1 / (1 + exp(−x)), as PyTorch's `BCEWithLogitsLoss`
    /// trains it. Its soft-max would always be 1.
    public static func probabilities(of logits: [Float]) -> [Float] {
        guard let largest = logits.max() else { return [] }
        if logits.count == 1 { return [Float(1 / (1 + exp(-Double(logits[0]))))] }
        let powers = logits.map { exp(Double($0) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }
}
