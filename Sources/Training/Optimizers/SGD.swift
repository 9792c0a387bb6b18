import CKernels
import Inference
import Threads

/// Stochastic gradient descent: plain, with momentum, or with Nesterov's momentum.
///
///     d = gradient + decay · value        velocity = momentum · velocity + d
///     value −= rate · velocity            Nesterov: value −= rate · (d + momentum · velocity)
///
/// - Source: `torch.optim.SGD` with dampening 0; Sutskever et al. 2013
public final class SGD: Optimizer, @unchecked Sendable {  // guard: used by the training loop only
    public var stepCount = 0
    /// The buffer `momentum_buffer`; empty without momentum.
    public let state: [StateBuffer]

    private let count: Int
    private let momentum: Float
    private let isNesterov: Bool
    private let weightDecay: Float
    private var blocks = ParameterBlocks()

    /// - Parameters:
    ///   - count: the number of scalars, including padding; see ``Parameters/count``.
    ///   - momentum: 0..<1; 0 for plain gradient descent.
    ///   - isNesterov: whether to use Nesterov's momentum.
    ///   - weightDecay: the factor of the L2 penalty, which is added to the gradient.
    public init(count: Int, momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0) {
        precondition(!isNesterov || momentum > 0, "Nesterov's step needs momentum")
        self.count = count
        self.momentum = Float(momentum)
        self.isNesterov = isNesterov
        self.weightDecay = Float(weightDecay)
        state = momentum == 0 ? [] : [StateBuffer(name: "momentum_buffer", count: count)]
    }

    public func step(
        _ parameters: Parameters, ranges: [Range<Int>], learningRate: Double, gradientScale: Float, workers: WorkerPool
    ) {
        precondition(parameters.count == count, "\(parameters.count) parameters, not \(count)")
        blocks.divide(ranges, within: count)
        stepCount += 1
        let rate = Float(learningRate)
        blocks.forEach(workers) { [state, momentum, isNesterov, weightDecay] _, block in
            let values = parameters.values.address(of: block.lowerBound)
            let gradients = parameters.gradients.address(of: block.lowerBound)
            if let velocities = state.first?.values.address(of: block.lowerBound) {
                kernel_momentum(
                    values, gradients, velocities, block.count, gradientScale, weightDecay, rate, momentum, isNesterov)
            } else {
                kernel_sgd(values, gradients, block.count, gradientScale, weightDecay, rate)
            }
        }
    }
}
