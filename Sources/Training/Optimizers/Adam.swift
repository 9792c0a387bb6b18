import CKernels
import Foundation
import Inference
import Threads

/// Adam, or AdamW with decoupled weight decay.
///
///     d = gradient + decay · value                              AdamW: d = gradient, value *= 1 − rate · decay
///     first = β₁ · first + (1 − β₁) · d                         second = β₂ · second + (1 − β₂) · d²
///     value −= rate / (1 − β₁ᵗ) · first / (√second / √(1 − β₂ᵗ) + ε)        t = 1 at the first step
///
/// - Source: `torch.optim.Adam` and `AdamW`; Kingma and Ba 2015, arXiv:1412.6980; Loshchilov and Hutter 2019,
///   arXiv:1711.05101
public final class Adam: Optimizer, @unchecked Sendable {  // guard: used by the training loop only
    public var stepCount = 0
    /// The buffers `exp_avg` and `exp_avg_sq`.
    public let state: [StateBuffer]

    private let count: Int
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private let isDecayDecoupled: Bool
    private var blocks = ParameterBlocks()

    /// - Parameters:
    ///   - count: the number of scalars, including padding; see ``Parameters/count``.
    ///   - beta1: the decay of the first moment, 0..<1.
    ///   - beta2: the decay of the second moment, 0..<1.
    ///   - epsilon: above 0; with 0, parameters that never had a gradient would become NaN.
    ///   - weightDecay: added to the gradient as an L2 penalty, or applied to the weights directly (AdamW).
    ///   - isDecayDecoupled: whether to use AdamW, whose usual weight decay is 0.01.
    public init(
        count: Int, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
        isDecayDecoupled: Bool = false
    ) {
        precondition(Float(epsilon) > 0, "ε is \(epsilon), not above 0")
        self.count = count
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecayDecoupled = isDecayDecoupled
        state = [StateBuffer(name: "exp_avg", count: count), StateBuffer(name: "exp_avg_sq", count: count)]
    }

    public func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool
    ) {
        precondition(parameters.count == count, "\(parameters.count) parameters, not \(count)")
        blocks.divide(ranges, within: count)
        stepCount += 1
        let factors = kernel_adam_factors(
            gradient_scale: gradientScale,
            weight_decay: isDecayDecoupled ? 0 : Float(weightDecay),
            shrinkage: isDecayDecoupled ? Float(1 - learningRate * weightDecay) : 1,
            first_weight: Float(1 - beta1),
            second_decay: Float(beta2),
            second_weight: Float(1 - beta2),
            root_correction: Float(1 / (1 - pow(beta2, Double(stepCount))).squareRoot()),
            epsilon: Float(epsilon),
            rate: Float(learningRate / (1 - pow(beta1, Double(stepCount)))))
        let (first, second) = (state[0], state[1])
        blocks.forEach(workers) { _, block in
            let start = block.lowerBound
            var factors = factors
            kernel_adam(
                parameters.values.address(of: start), parameters.gradients.address(of: start),
                first.values.address(of: start), second.values.address(of: start), block.count, &factors)
        }
    }
}
