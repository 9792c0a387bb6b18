import CKernels
import Inference
import Threads

/// Shortens the gradient where it is longer than a limit: all of it by one factor, so that its direction stays.
///
/// The gradients themselves stay as they are; the optimiser multiplies while it reads them.
///
/// - Source: `torch.nn.utils.clip_grad_norm_`; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063
public final class GradientClipping: @unchecked Sendable {  // guard: used by the training loop only
    /// The longest gradient that is left as it is.
    public let maxNorm: Double

    private var blocks = ParameterBlocks()
    /// One sum of squares a block.
    private var sums: [Double] = []

    /// - Parameter maxNorm: infinite measures only.
    public init(maxNorm: Double) {
        precondition(maxNorm > 0, "a gradient cannot be clipped to \(maxNorm)")
        self.maxNorm = maxNorm
    }

    /// The Euclidean length of the gradient of these parameters, added up in double in an order that does not depend on the
    /// number of threads; NaN or infinite exactly where one of the gradients is.
    public func norm(_ parameters: Parameters, ranges: [Range<Int>], workers: WorkerPool) -> Double {
        blocks.cut(ranges, within: parameters.count)
        if sums.count != blocks.blocks.count { sums = [Double](repeating: 0, count: blocks.blocks.count) }
        return sums.withUnsafeMutableBufferPointer { sums in
            nonisolated(unsafe) let sums = sums
            blocks.forEach(workers) { index, block in
                kernel_sum_of_squares(
                    parameters.gradients.address(of: block.lowerBound), block.count, sums.address(of: index))
            }
            return sums.reduce(0, +).squareRoot()
        }
    }

    /// What the optimiser has to multiply gradients of this norm by: 1 where they are short enough.
    public func scale(norm: Double) -> Float { Float(min(1, maxNorm / (norm + 1e-6))) }
}
