import CKernels
import Inference
import Threads

/// An exponential moving average of the parameters, which often classifies better than the parameters themselves.
///
///     average += (1 − decay) · (value − average)        decay = min(limit, (1 + t) / (10 + t)), t = 0 at the first update
///
/// - Source: Polyak and Juditsky 1992; the warm-up of the decay: TensorFlow's `ExponentialMovingAverage` with
///   `num_updates`
public final class ExponentialMovingAverage: @unchecked Sendable {  // guard: used by the training loop only
    /// The number of updates so far. Set it only to resume a training.
    public var updateCount = 0
    /// The buffer `average`, in the layout of ``Parameters``.
    public let state: StateBuffer

    private let decayLimit: Double
    private var blocks = ParameterBlocks()

    /// An average that starts with the current parameters.
    ///
    /// - Parameter decay: the weight of the old average in each update after the warm-up, 0..<1.
    public init(of parameters: Parameters, decay: Double) {
        precondition((0..<1).contains(decay), "the decay is \(decay), not in 0..<1")
        decayLimit = decay
        state = StateBuffer(name: "average", count: parameters.count)
        _ = state.values.update(from: parameters.values)
    }

    /// The decay of the next update, 0..<1.
    public var decay: Double { min(decayLimit, Double(1 + updateCount) / Double(10 + updateCount)) }

    /// Updates the average with the parameters after a step.
    public func update(with parameters: Parameters, ranges: [Range<Int>], workers: WorkerPool) {
        precondition(parameters.count == state.count, "\(parameters.count) parameters, not \(state.count)")
        blocks.divide(ranges, within: parameters.count)
        let weight = Float(1 - decay)
        updateCount += 1
        blocks.forEach(workers) { [state] _, block in
            kernel_moving_average(
                state.values.address(of: block.lowerBound), parameters.values.address(of: block.lowerBound),
                block.count, weight)
        }
    }

    /// Swaps the average and the parameters. Call it once to evaluate the average, and again to continue the training.
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
