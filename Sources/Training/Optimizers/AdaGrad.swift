import CKernels
import Foundation
import Inference
import Threads

/// AdaGrad: the learning rate of each parameter falls with the sum of its squared gradients.
///
///     d = gradient + decay · value        sum += d²
///     value −= rate / (1 + t · rateDecay) · d / (√sum + ε)        t = 0 at the first step
///
/// - Source: `torch.optim.Adagrad`; Duchi, Hazan and Singer 2011
public final class AdaGrad: Optimizer, @unchecked Sendable {  // guard: used by the training loop only
    public var stepCount = 0
    /// The buffer `sum`.
    public let state: [StateBuffer]

    private let count: Int
    private let rateDecay: Double
    private let weightDecay: Float
    private let epsilon: Float
    private var blocks = ParameterBlocks()

    /// - Parameters:
    ///   - count: the number of scalars, including padding; see ``Parameters/count``.
    ///   - rateDecay: the decay of the learning rate per step.
    ///   - weightDecay: the factor of the L2 penalty, which is added to the gradient.
    ///   - epsilon: above 0; with 0, parameters that never had a gradient would become NaN.
    public init(count: Int, rateDecay: Double = 0, weightDecay: Double = 0, epsilon: Double = 1e-10) {
        precondition(Float(epsilon) > 0, "ε is \(epsilon), not above 0")
        self.count = count
        self.rateDecay = rateDecay
        self.weightDecay = Float(weightDecay)
        self.epsilon = Float(epsilon)
        state = [StateBuffer(name: "sum", count: count)]
    }

    public func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool
    ) {
        precondition(parameters.count == count, "\(parameters.count) parameters, not \(count)")
        blocks.divide(ranges, within: count)
        let rate = Float(learningRate / (1 + Double(stepCount) * rateDecay))
        stepCount += 1
        let sums = state[0]
        blocks.forEach(workers) { [weightDecay, epsilon] _, block in
            let start = block.lowerBound
            kernel_adagrad(
                parameters.values.address(of: start), parameters.gradients.address(of: start),
                sums.values.address(of: start), block.count, gradientScale, weightDecay, rate, epsilon)
        }
    }
}
