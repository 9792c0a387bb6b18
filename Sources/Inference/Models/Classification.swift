import Foundation
import HeapModule

/// The most likely classes of one image, as predicted by a model.
public struct Classification: Sendable, Equatable {
    /// One class and its probability.
    public struct Candidate: Sendable, Equatable {
        /// The class's name.
        public let label: String
        /// The probability of the class, 0…1.
        public let probability: Float
        /// The class's index in the class map.
        public let index: Int
    }

    /// The most likely classes, best first; at least one.
    public let top: [Candidate]

    /// The most likely class.
    public var best: Candidate { top[0] }

    /// Ranks a network's outputs. Of equal outputs, the lower index comes first.
    ///
    /// - Parameter count: the number of candidates to keep, from 1 to the number of classes.
    public init(logits: [Float], classes: ClassMap, top count: Int) {
        let probabilities = Softmax.probabilities(of: logits)
        var outputs = Heap(
            probabilities.indices.map { Output(probability: probabilities[$0], logit: logits[$0], index: $0) })
        top = (0..<max(count, 1)).compactMap { _ in
            outputs.popMax().map {
                Candidate(label: classes.names[$0.index], probability: $0.probability, index: $0.index)
            }
        }
    }

    /// One of a network's outputs, in the order of their ranks.
    private struct Output: Comparable {
        let probability: Float
        let logit: Float
        let index: Int

        static func < (one: Self, other: Self) -> Bool {
            (one.probability, one.logit, -one.index) < (other.probability, other.logit, -other.index)
        }
    }
}

/// Converts logits to probabilities: exp(x − max) / Σ exp(x − max), or a sigmoid for a single logit. Values are
/// float32, the sum is float64.
///
/// Shape: any number of logits, as many probabilities.
/// - Source: PyTorch, `torch.softmax(x, dim: 1)`.
public enum Softmax {
    /// The probabilities of a network's classes from its logits.
    ///
    /// Several logits give the softmax, which sums to 1. A single logit x gives the probability of the second of two
    /// classes, sigmoid(x) = 1 / (1 + exp(−x)), as trained with PyTorch's `BCEWithLogitsLoss`. The softmax of a single
    /// logit would always be 1.
    public static func probabilities(of logits: [Float]) -> [Float] {
        guard let largest = logits.max() else { return [] }
        if logits.count == 1 { return [Float(1 / (1 + exp(-Double(logits[0]))))] }
        let powers = logits.map { exp(Double($0) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }
}
