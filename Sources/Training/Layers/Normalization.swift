import CKernels
import Inference

// The backward pass of local response normalisation.

extension LocalResponseNorm: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        LocalResponseNormDifferentiation(layer: self, input: site.inputs[0])
    }
}

/// Local response normalisation. The backward pass recomputes the sums of squares instead of saving them.
struct LocalResponseNormDifferentiation: DifferentiableOperation {
    let layer: LocalResponseNorm
    /// The shape of one image, `[C, H, W]`.
    let input: Shape

    private var pixels: Int { input[1] * input[2] }

    func scratchByteCount(batchSize: Int) -> Int { 2 * (input[0] + layer.size) * MemoryLayout<Float>.stride }

    func forward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, slot in
            let first = image * input.elementCount
            kernel_local_response_norm(
                run.input + first, run.output + first, input[0], pixels, layer.size, layer.alphaPerTerm, layer.beta,
                layer.k, run.scratch(slot: slot))
        }
    }

    func backward(_ run: DifferentiableRun) {
        guard let gradient = run.inputGradients[0] else { return }
        nonisolated(unsafe) let target = gradient
        run.parallelFor(run.batchSize) { image, slot in
            let first = image * input.elementCount
            kernel_local_response_norm_gradient(
                run.input + first, run.outputGradient + first, target + first, input[0], pixels, layer.size,
                layer.alphaPerTerm, layer.beta, layer.k, run.scratch(slot: slot))
        }
    }
}
