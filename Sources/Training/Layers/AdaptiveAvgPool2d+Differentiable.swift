import CKernels
import Inference

extension AdaptiveAvgPool2d: DifferentiableLayer {
    func differentiable(_ site: LayerSite) -> any DifferentiableOperation {
        isView(of: site.inputs)
            ? ViewDifferentiation() : AdaptiveAvgPoolDifferentiation(input: site.inputs[0], output: site.output)
    }
}

/// Means over regions, whose gradient is shared among the region's pixels.
struct AdaptiveAvgPoolDifferentiation: DifferentiableOperation {
    /// `[C, H, W]`
    let input: Shape
    /// `[C, H', W']`
    let output: Shape

    func forward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, _ in
            kernel_adaptive_average_pool(
                run.input + image * input.elementCount, input[1], input[2], input[0], output[1], output[2],
                run.output + image * output.elementCount)
        }
    }

    func backward(_ run: DifferentiableRun) {
        guard let gradient = run.inputGradients[0] else { return }
        nonisolated(unsafe) let target = gradient
        run.parallelFor(run.batchSize) { image, _ in
            kernel_adaptive_average_pool_gradient(
                run.outputGradient + image * output.elementCount, input[1], input[2], input[0], output[1], output[2],
                target + image * input.elementCount)
        }
    }
}
