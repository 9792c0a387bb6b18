import CKernels
import Inference

// The backward passes of ReLU and dropout.

extension ReLU: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        ReLUDifferentiation(elementCount: site.output.elementCount)
    }
}

/// ReLU, max(x, 0), in place. The gradient passes where the output is above zero.
struct ReLUDifferentiation: DifferentiableOperation {
    /// The number of scalars of one example.
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

extension Dropout: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        DropoutDifferentiation(elementCount: site.output.elementCount, probability: probability)
    }
}

/// Inverted dropout, in place. The backward pass draws the same mask again instead of saving it.
struct DropoutDifferentiation: DifferentiableOperation {
    /// The number of scalars of one example.
    let elementCount: Int
    let probability: Float

    var worksInPlace: Bool { true }

    func forward(_ run: DifferentiableRun) { drop(run.output, run) }

    func backward(_ run: DifferentiableRun) { drop(run.outputGradient, run) }

    private func drop(_ values: UnsafeMutablePointer<Float>, _ run: DifferentiableRun) {
        guard let seed = run.seed, probability > 0 else { return }
        nonisolated(unsafe) let values = values
        let threshold = UInt32(Double(probability) * 0x1p32)
        run.parallelFor(run.batchSize) { image, _ in
            let first = image * elementCount
            kernel_dropout(values + first, first, elementCount, seed, threshold, 1 / (1 - probability))
        }
    }
}
