import Foundation

/// Softmax cross-entropy, the loss of a classifier.
///
/// With label smoothing ε over K classes the target is (1 − ε)·onehot + ε/K:
///
///     loss = −1/N Σₙ Σₖ targetₙₖ · log softmax(logitsₙ)ₖ        dlogits = (softmax(logits) − target) / N
///
/// - Source: `torch.nn.CrossEntropyLoss`; smoothing: Szegedy et al. 2016, arXiv:1512.00567, §7
public enum SoftmaxCrossEntropy {
    /// The loss of a batch, and optionally its gradient.
    ///
    /// Shape: logits and gradient `[N, classCount]`, N = `labels.count`.
    ///
    /// - Parameters:
    ///   - labels: the true class of each row, in `0..<classCount`.
    ///   - smoothing: label smoothing ε, 0…1.
    ///   - gradient: receives dlogits; it may be the logits' own memory.
    /// - Returns: the mean loss of the batch, which is NaN or infinite if a logit is, and the number of correct
    ///   predictions. Of equal logits, the first one is the prediction. Units of the loss: nats.
    public static func evaluate(
        logits: UnsafePointer<Float>, labels: [Int], classCount: Int, smoothing: Float = 0,
        gradient: UnsafeMutablePointer<Float>?
    ) -> (loss: Double, correct: Int) {
        precondition(
            !labels.isEmpty && classCount > 0, "\(labels.count) rows of \(classCount) classes have no mean loss")
        precondition((0...1).contains(smoothing), "the smoothing is \(smoothing), not in 0…1")
        var loss = 0.0
        var correctCount = 0
        let smoothing = Double(smoothing)
        for (row, label) in labels.enumerated() {
            precondition((0..<classCount).contains(label), "label \(label) is none of \(classCount) classes")
            let logits = UnsafeBufferPointer(start: logits + row * classCount, count: classCount)
            let largest = firstLargestIndex(of: logits)
            if largest == label { correctCount += 1 }

            // Softmax does not change when a constant is subtracted from all logits. With the largest at 0, no
            // exponential overflows.
            let shift = Double(logits[largest])
            let right = Double(logits[label]) - shift
            var sum = 0.0
            var shiftedSum = 0.0
            if let gradient {
                let gradient = gradient + row * classCount
                for index in 0..<classCount {
                    let shifted = Double(logits[index]) - shift
                    let exponential = exp(shifted)
                    shiftedSum += shifted
                    sum += exponential
                    gradient[index] = Float(exponential)
                }
                let scale = 1 / Double(labels.count)
                let even = smoothing / Double(classCount)
                for index in 0..<classCount {
                    gradient[index] = Float((Double(gradient[index]) / sum - even) * scale)
                }
                // The true class is computed again in double: its probability may be close to its target, and their
                // difference tiny.
                gradient[label] = Float((exp(right) / sum - 1 + smoothing - even) * scale)
            } else {
                for logit in logits {
                    let shifted = Double(logit) - shift
                    shiftedSum += shifted
                    sum += exp(shifted)
                }
            }
            // −log softmax of the true class, and its mean over all classes.
            let rightLoss = log(sum) - right
            loss += rightLoss
            if smoothing > 0 { loss += smoothing * (log(sum) - shiftedSum / Double(classCount) - rightLoss) }
        }
        return (loss / Double(labels.count), correctCount)
    }

    private static func firstLargestIndex(of logits: UnsafeBufferPointer<Float>) -> Int {
        var largest = 0
        for index in logits.indices where logits[index] > logits[largest] { largest = index }
        return largest
    }
}
