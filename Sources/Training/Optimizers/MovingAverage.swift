import CKernels
import Inference
import Threads

/// A running mean of the parameters over the last steps, which often classifies better than the parameters do.
///
///     average += (1 − decay) · (value − average)        decay = min(limit, (1 + t) / (10 + t)), t = 0 at the first update
///
/// - Source: Polyak and Juditsky 1992; the decay's beginning: TensorFlow's `ExponentialMovingAverage` with `num_updates`
public final class MovingAverage: @unchecked Sendable {  // guard: used by the training loop only
    /// How many steps were averaged; set only to resume.
    public var updateCount = 0
    /// `average`, in the layout of ``Parameters``.
    public let state: StateBuffer

    private let decayLimit: Double
    private var blocks = ParameterBlocks()

    /// Begins with the parameters as they are.
    ///
    /// - Parameter decay: what remains of the average at each step, once there were enough of them; 0..<1.
    public init(of parameters: Parameters, decay: Double) {
        precondition((0..<1).contains(decay), "the decay is \(decay), not in 0..<1")
        decayLimit = decay
        state = StateBuffer(name: "average", count: parameters.count)
        _ = state.values.update(from: parameters.values)
    }

    /// The decay of the next update.
    public var decay: Double { min(decayLimit, Double(1 + updateCount) / Double(10 + updateCount)) }

    /// Takes the parameters in as they are after a step.
    public func update(with parameters: Parameters, ranges: [Range<Int>], workers: WorkerPool) {
        precondition(parameters.count == state.count, "\(parameters.count) parameters, not \(state.count)")
        blocks.cut(ranges, within: parameters.count)
        let weight = Float(1 - decay)
        updateCount += 1
        blocks.forEach(workers) { [state] _, block in
            kernel_moving_average(
                state.values.address(of: block.lowerBound), parameters.values.address(of: block.lowerBound),
                block.count, weight)
        }
    }

    /// Puts the average in the parameters' place and the parameters in the average's: once to evaluate the average, and
    /// once more to go on with the training.
    public func exchange(with parameters: Parameters) {
        precondition(parameters.count == state.count, "\(parameters.count) parameters, not \(state.count)")
        let (values, averages) = (parameters.values, state.values)
        for index in 0..<state.count {
            let value = values[index]
            values[index] = averages[index]
            averages[index] = value
        }
    }
}
