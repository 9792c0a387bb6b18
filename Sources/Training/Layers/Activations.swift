import CKernels
import Inference

extension ReLU: DifferentiableLayer {
    func differentiable(_ site: LayerSite) -> any DifferentiableOperation {
        ReLUDifferentiation(elementCount: site.output.elementCount)
    }
}

/// max(x, 0): the gradient of what is not above zero is zero.
struct ReLUDifferentiation: DifferentiableOperation {
    /// Of one example.
    let elementCount: Int

    var worksInPlace: Bool { true }

    func forward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, _ in
            kernel_relu(run.output + image * elementCount, run.output + image * elementCount, elementCount)
        }
    }

    func backward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, _ in
            kernel_relu_gradient(
                run.output + image * elementCount, run.outputGradient + image * elementCount, elementCount)
        }
    }
}
