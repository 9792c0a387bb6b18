import Foundation

/// Turns logits into probabilities: exp(x − max) / Σ exp(x − max), in float32 with the sum in float64.
///
/// Shape: any number of logits, as many probabilities.
/// - Source: PyTorch, `torch.softmax(x, dim: 1)`.
public enum Softmax {
    /// The probabilities; they sum to one.
    public static func probabilities(of logits: [Float]) -> [Float] {
        guard let largest = logits.max() else { return [] }
        let powers = logits.map { exp(Double($0) - Double(largest)) }
        let sum = powers.reduce(0, +)
        return powers.map { Float($0 / sum) }
    }
}
