import CKernels
import Inference

/// Of each group a product of the output's gradients with the unfolded windows, dW = dYᵀ·X, whatever the convolution is.
///
/// The batch is dealt out to parts, whose sums are added up in order: so the result does not depend on who computed which.
struct Im2ColWeightGradient: ConvolutionWeightGradient {
    let shape: ConvolutionShape
    let parameters: Parameters
    let weight: Parameters.Entry
    let bias: Parameters.Entry?

    /// What the unfolded windows of a block may take. Units: floats.
    private static let rowLimit = 256 << 10
    /// What the parts' sums may take together. Units: floats.
    private static let sumLimit = 16 << 20

    /// Kernels with their channels innermost, `[O, KH, KW, C / groups]`, and the biases behind them.
    private var sumCount: Int { ArenaLayout.align(weight.range.count + shape.output[0]) }

    /// Into how many parts any batch is dealt out.
    private var partCount: Int { max(1, min(16, Self.sumLimit / sumCount)) }

    /// Output positions whose windows are unfolded together.
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

    /// Adds up the parts' sums of one output channel, and puts them where PyTorch's layout wants them.
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
