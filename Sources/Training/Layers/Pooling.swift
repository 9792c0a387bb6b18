import CKernels
import Inference

// The backward passes of max pooling and adaptive average pooling.

extension MaxPool2d: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        MaxPoolDifferentiation(
            window: window, input: site.inputs[0], output: site.output, fusesInputReLU: site.fusesInputReLU)
    }
}

/// Max pooling. The gradient goes to the pixel that was the maximum of its window.
struct MaxPoolDifferentiation: DifferentiableOperation {
    let window: Window
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    /// The shape of one image's output, `[C, H', W']`.
    let output: Shape
    /// Whether the backward pass includes that of the ReLU before this layer.
    let fusesInputReLU: Bool

    /// The largest window: the index of the maximum is saved in one byte. Units: pixels.
    static let maxWindowArea = 256

    func savedByteCount(batchSize: Int) -> Int { output.elementCount * batchSize }

    private var kernelWindow: kernel_window {
        kernel_window(
            window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
    }

    private func choices(_ run: DifferentiableRun, of image: Int) -> UnsafeMutablePointer<UInt8> {
        UnsafeMutableRawPointer(run.saved).assumingMemoryBound(to: UInt8.self) + image * output.elementCount
    }

    func forward(_ run: DifferentiableRun) {
        run.parallelFor(run.batchSize) { image, _ in
            var window = kernelWindow
            kernel_max_pool_choose(
                run.input + image * input.elementCount, &window, input[0], output[1],
                run.output + image * output.elementCount, choices(run, of: image))
        }
    }

    func backward(_ run: DifferentiableRun) {
        guard let gradient = run.inputGradients[0] else { return }
        nonisolated(unsafe) let target = gradient
        run.parallelFor(run.batchSize) { image, _ in
            var window = kernelWindow
            let first = image * output.elementCount
            kernel_max_pool_gradient(
                run.outputGradient + first, choices(run, of: image),
                fusesInputReLU ? UnsafePointer(run.output + first) : nil, &window, input[0], output[1],
                target + image * input.elementCount)
        }
    }
}

extension AdaptiveAvgPool2d: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        isView(of: site.inputs)
            ? ViewDifferentiation() : AdaptiveAvgPoolDifferentiation(input: site.inputs[0], output: site.output)
    }
}

/// Adaptive average pooling. The gradient is distributed evenly over the pixels of each region.
struct AdaptiveAvgPoolDifferentiation: DifferentiableOperation {
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    /// The shape of one image's output, `[C, H', W']`.
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
