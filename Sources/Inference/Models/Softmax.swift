import Foundation

/// Turns logits into probabilities: exp(x − max) / Σ exp(x − max), or a sigmoid where there is one logit; in float32 with the
/// sum in float64.
///
/// Shape: any number of logits, as many probabilities.
/// - Source: PyTorch, `torch.softmax(x, dim: 1)`.
public enum Softmax {
    /// The probabilities of a network's classes from its outputs.
    ///
    /// Several outputs have their soft-max; the probabilities sum to one. One output is the logit x of a yes, and its probability
    /// is 1 / (1 + exp(−x)), as PyTorch's `BCEWithLogitsLoss` trains it: a soft-max would answer 1 whatever x is.
    public static func probabilities(of logits: [Float]) -> [Float] {
        guard let largest = logits.max() else { return [] }
        if logits.count == 1 { return [Float(1 / (1 + exp(-Double(logits[0]))))] }
        let powers = logits.map { exp(Double($0) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }
}
