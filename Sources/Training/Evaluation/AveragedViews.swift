import Foundation
import Inference

/// One answer out of those to several views of a picture.
///
/// - Source: Krizhevsky et al. 2012, §4.1: "averaging the predictions made by the network's softmax layer on the ten patches"
public enum AveragedViews {
    /// Logits whose soft-max is the mean of the views' soft-maxes: its logarithms.
    ///
    /// Shape: `[K]` for each view, `[K]`.
    public static func logits(of views: [[Float]]) -> [Float] {
        guard let first = views.first else { return [] }
        var sums = [Double](repeating: 0, count: first.count)
        for view in views {
            for (index, probability) in Softmax.probabilities(of: view).enumerated() {
                sums[index] += Double(probability)
            }
        }
        // A probability of zero keeps a finite loss, that of the smallest one there is.
        return sums.map { Float(log(max($0 / Double(views.count), Double(Float.leastNonzeroMagnitude)))) }
    }
}
