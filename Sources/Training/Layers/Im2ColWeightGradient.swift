import CKernels
import Inference

/// The weight gradient by im2col, for any convolution. For each group it is the matrix product dW = dYᵀ·X, where the
/// rows of X are the windows of the input.
///
/// The batch is divided into parts. Their sums are added in a fixed order, so that the result does not depend on the
/// threads.
struct Im2ColWeightGradient: ConvolutionWeightGradient {
    let shape: ConvolutionShape
    let parameters: Parameters
    let weight: Parameters.Entry
    let bias: Parameters.Entry?

    /// The most memory for a block of windows. Units: floats.
    private static let rowLimit = 256 << 10
    /// The most memory for all parts' sums. Units: floats.
    private static let sumLimit = 16 << 20

    /// The size of a part's sums: weights with their channels innermost, `[O, KH, KW, C / groups]`, then biases.
    private var sumCount: Int { ArenaLayout.align(weight.range.count + shape.output[0]) }

    /// The number of parts of a batch.
    private var partCount: Int { max(1, min(16, Self.sumLimit / sumCount)) }

    /// The number of windows in a block.
    private var blockSize: Int { min(shape.positions, max(32, Self.rowLimit / shape.depth)) }

    func scratchByteCount(batchSize: Int) -> Int { blockSize * shape.depth * MemoryLayout<Float>.stride }

    func sharedByteCount(batchSize: Int) -> Int { partCount * sumCount * MemoryLayout<Float>.stride }

    func run(_ run: DifferentiableRun) {
        let partCount = min(partCount, run.batchSize)
        run.parallelFor(partCount) { part, slot in
            let sums = run.shared + part * sumCount
            sums.update(repeating: 0, count: sumCount)
            for image in part * run.batchSize / partCount..<(part + 1) * run.batchSize / partCount {
                add(image, run, rows: run.scratch(slot: slot), to: sums)
            }
        }
        run.parallelFor(shape.output[0]) { output, _ in finish(output, run, partCount: partCount) }
    }

    private func add(
        _ image: Int, _ run: DifferentiableRun, rows: UnsafeMutablePointer<Float>, to sums: UnsafeMutablePointer<Float>
    ) {
        let input = run.input + image * shape.input.elementCount
        let gradient = run.outputGradient + image * shape.output.elementCount
        var window = shape.kernelWindow
        for group in 0..<shape.groups {
            for first in stride(from: 0, to: shape.positions, by: blockSize) {
                let count = min(blockSize, shape.positions - first)
                kernel_im2row(
                    input + group * shape.inputsPerGroup, shape.inputsPerGroup, &window, first, count, rows)
                BLAS.multiply(
                    rows: shape.outputsPerGroup, columns: shape.depth, depth: count,
                    left: gradient + first * shape.output[0] + group * shape.outputsPerGroup, .transposed,
                    leftStride: shape.output[0], right: rows, rightStride: shape.depth,
                    into: sums + group * shape.outputsPerGroup * shape.depth, stride: shape.depth, accumulates: true)
            }
        }
        kernel_sum_rows(gradient, shape.positions, shape.output[0], shape.output[0], sums + weight.range.count)
    }

    /// Adds the sums of all parts for one output channel, and transposes them to PyTorch's layout.
    private func finish(_ output: Int, _ run: DifferentiableRun, partCount: Int) {
        guard let gradients = parameters.gradients.baseAddress else { return }
        let first = output * shape.depth
        let total = run.shared + first
        for part in 1..<max(partCount, 1) { kernel_add(total + part * sumCount, total, shape.depth) }
        let places = shape.window.kernelSize.height * shape.window.kernelSize.width
        kernel_transpose(total, places, shape.inputsPerGroup, gradients + weight.range.lowerBound + first)
        guard let bias else { return }
        gradients[bias.range.lowerBound + output] = (0..<partCount).reduce(0) { sum, part in
            sum + run.shared[part * sumCount + weight.range.count + output]
        }
    }
}
