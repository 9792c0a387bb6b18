import CKernels
import Inference

extension Flatten: DifferentiableLayer {
    func differentiable(_ site: LayerSite) -> any DifferentiableOperation {
        isView(of: site.inputs) ? ViewDifferentiation() : FlattenDifferentiation(input: site.inputs[0])
    }
}

/// A layer whose output is its input.
struct ViewDifferentiation: DifferentiableOperation {
    var worksInPlace: Bool { true }
    func forward(_ run: DifferentiableRun) {}
    func backward(_ run: DifferentiableRun) {}
}

/// Puts channels outermost, and their gradients back.
struct FlattenDifferentiation: DifferentiableOperation {
    /// `[C, H, W]`
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
