import CKernels
import Inference

// The backward passes of linear and flatten layers.

extension Linear: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        LinearDifferentiation(
            inputs: inputFeatures, outputs: outputFeatures, activation: site.activation, parameters: site.parameters,
            weight: site.entries[0], bias: site.entries[1], wantsParameterGradients: site.wantsParameterGradients)
    }

    func with(_ parameters: [Tensor]) -> Linear { Linear(weight: parameters[0], bias: parameters[1]) }
}

/// A linear layer, y = x·Wᵀ + b. Each of its three matrix products is divided among the threads, by blocks of the
/// weights' rows or columns.
struct LinearDifferentiation: DifferentiableOperation {
    let inputs: Int
    let outputs: Int
    let activation: Activation?
    let parameters: Parameters
    let weight: Parameters.Entry
    let bias: Parameters.Entry
    let wantsParameterGradients: Bool

    /// The rows or columns of a block: enough to amortise packing the other factor.
    private static let blockSize = 256

    private func parallelForBlocks(
        _ count: Int, _ run: DifferentiableRun, _ body: @escaping @Sendable (Range<Int>) -> Void
    ) {
        run.parallelFor((count + Self.blockSize - 1) / Self.blockSize) { block, _ in
            body(block * Self.blockSize..<min((block + 1) * Self.blockSize, count))
        }
    }

    func forward(_ run: DifferentiableRun) {
        parallelForBlocks(outputs, run) { block in
            guard let values = parameters.values.baseAddress else { return }
            BLAS.multiply(
                rows: run.batchSize, columns: block.count, depth: inputs, left: run.input, leftStride: inputs,
                right: values + weight.range.lowerBound + block.lowerBound * inputs, .transposed, rightStride: inputs,
                into: run.output + block.lowerBound, stride: outputs)
            kernel_bias_columns(
                run.output + block.lowerBound, run.batchSize, block.count, outputs,
                values + bias.range.lowerBound + block.lowerBound, activation == .relu)
        }
    }

    func backward(_ run: DifferentiableRun) {
        if wantsParameterGradients {
            parallelForBlocks(outputs, run) { block in
                guard let gradients = parameters.gradients.baseAddress else { return }
                BLAS.multiply(
                    rows: block.count, columns: inputs, depth: run.batchSize,
                    left: run.outputGradient + block.lowerBound, .transposed, leftStride: outputs,
                    right: run.input, rightStride: inputs,
                    into: gradients + weight.range.lowerBound + block.lowerBound * inputs, stride: inputs)
                let sums = gradients + bias.range.lowerBound + block.lowerBound
                sums.update(repeating: 0, count: block.count)
                kernel_sum_rows(run.outputGradient + block.lowerBound, run.batchSize, block.count, outputs, sums)
            }
        }
        guard let gradient = run.inputGradients[0] else { return }
        nonisolated(unsafe) let target = gradient
        parallelForBlocks(inputs, run) { block in
            guard let values = parameters.values.baseAddress else { return }
            BLAS.multiply(
                rows: run.batchSize, columns: block.count, depth: outputs,
                left: run.outputGradient, leftStride: outputs,
                right: values + weight.range.lowerBound + block.lowerBound, rightStride: inputs,
                into: target + block.lowerBound, stride: inputs)
        }
    }
}

extension Flatten: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        isView(of: site.inputs) ? ViewDifferentiation() : FlattenDifferentiation(input: site.inputs[0])
    }
}

/// A layer whose output is its input unchanged, in place.
struct ViewDifferentiation: DifferentiableOperation {
    var worksInPlace: Bool { true }
    func forward(_ run: DifferentiableRun) {}
    func backward(_ run: DifferentiableRun) {}
}

/// Transposes `[H, W, C]` to `[C, H, W]`, as PyTorch flattens, and the gradient back.
struct FlattenDifferentiation: DifferentiableOperation {
    /// The shape of one image, `[C, H, W]`.
    let input: Shape

    private var pixels: Int { input[1] * input[2] }

    func forward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, _ in
            let first = image * input.elementCount
            kernel_transpose(run.input + first, pixels, input[0], run.output + first)
        }
    }

    func backward(_ run: DifferentiableRun) {
        guard let gradient = run.inputGradients[0] else { return }
        nonisolated(unsafe) let target = gradient
        run.parallelFor(run.batchSize) { image, _ in
            let first = image * input.elementCount
            kernel_transpose(run.outputGradient + first, input[0], pixels, target + first)
        }
    }
}
