import CKernels
import Inference
import Threads

/// Gradient clipping by global norm: the whole gradient is scaled by one factor, which keeps its direction.
///
/// The gradients in memory do not change. The optimiser multiplies them by the factor as it reads them.
///
/// - Source: `torch.nn.utils.clip_grad_norm_`; Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063
public final class GradientClipping: @unchecked Sendable {  // guard: used by the training loop only
    /// The largest norm that is not clipped.
    public let maxNorm: Double

    private var blocks = ParameterBlocks()
    /// One sum of squares for each block.
    private var sums: [Double] = []

    /// - Parameter maxNorm: above 0; infinity only measures the norm.
    public init(maxNorm: Double) {
        precondition(maxNorm > 0, "a gradient cannot be clipped to \(maxNorm)")
        self.maxNorm = maxNorm
    }

    /// The Euclidean norm of the gradient of these parameters. It is summed in double, in a fixed order that does not
    /// depend on the number of threads. It is NaN or infinite if and only if a gradient is.
    public func norm(_ parameters: Parameters, ranges: [Range<Int>], workers: WorkerPool) -> Double {
        blocks.divide(ranges, within: parameters.count)
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

    /// The factor for gradients of this norm; 1 if they are not clipped.
    public func scale(norm: Double) -> Float { Float(min(1, maxNorm / (norm + 1e-6))) }
}
