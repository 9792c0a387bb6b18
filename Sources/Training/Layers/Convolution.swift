import CKernels
import Files
import Inference
import Threads

// The backward pass of a convolution, and the choice of its algorithms.

extension Conv2d: DifferentiableLayer {
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation {
        Conv2dDifferentiation(self, site)
    }

    func with(_ parameters: [Tensor]) -> Conv2d {
        Conv2d(
            weight: parameters[0], bias: hasBias ? parameters[1] : nil, stride: window.stride, padding: window.padding,
            groups: groups)
    }
}

/// The forward pass of a convolution, which is that of inference, and its two backward passes: one for the gradients of
/// weights and biases, one for the gradient of the input.
final class Conv2dDifferentiation: DifferentiableOperation, @unchecked Sendable {  // guard: `prepare` runs alone
    private let forwardAlgorithm: Algorithm
    private var forwardOperation: (any Operation)?
    private let weightGradient: (any ConvolutionWeightGradient)?
    private let inputGradient: (any ConvolutionInputGradient)?
    /// Recycles the memory of the prepared weights from step to step.
    private let memory = BufferPool(countLimit: 8)

    init(_ layer: Conv2d, _ site: LayerContext) {
        // From now on the layer uses the parameters under training instead of its own.
        let layer = layer.with(site.entries.map(site.parameters.tensor))
        let shape = ConvolutionShape(layer, input: site.inputs[0], output: site.output)
        forwardAlgorithm = .cheapest(of: layer, input: site.inputs[0], activation: site.activation)
        let bias = layer.hasBias ? site.entries[1] : nil
        if !site.wantsParameterGradients {
            weightGradient = nil
        } else if let tiling = WinogradWeightGradient.tilings(of: layer, shape).first {
            weightGradient = WinogradWeightGradient(
                tiling: tiling, shape: shape, parameters: site.parameters, weight: site.entries[0],
                bias: bias)
        } else {
            weightGradient = Im2ColWeightGradient(
                shape: shape, parameters: site.parameters, weight: site.entries[0], bias: bias)
        }
        if !site.wantsInputGradient {
            inputGradient = nil
        } else if TransposedConvolution.computes(shape) {
            inputGradient = TransposedConvolution(layer, shape, memory: memory)
        } else {
            inputGradient = Col2ImInputGradient(layer, shape)
        }
    }

    func scratchByteCount(batchSize: Int) -> Int {
        max(
            operation.scratchByteCount(batchSize: batchSize),
            weightGradient?.scratchByteCount(batchSize: batchSize) ?? 0,
            inputGradient?.scratchByteCount(batchSize: batchSize) ?? 0)
    }

    func sharedByteCount(batchSize: Int) -> Int { weightGradient?.sharedByteCount(batchSize: batchSize) ?? 0 }

    private var operation: any Operation {
        guard let forwardOperation else { preconditionFailure("a convolution runs before it is prepared") }
        return forwardOperation
    }

    func prepare(_ workers: WorkerPool) {
        // The weights prepared for the last step are released first, so that their memory is recycled.
        forwardOperation = nil
        forwardOperation = forwardAlgorithm.make(workers, memory: memory)
        inputGradient?.prepare(workers)
    }

    func forward(_ run: DifferentiableRun) { operation.run(run.predicting(from: run.input, to: run.output)) }

    func backward(_ run: DifferentiableRun) {
        weightGradient?.run(run)
        if let target = run.inputGradients[0] { inputGradient?.run(run, into: target) }
    }
}

extension Algorithm {
    /// The algorithm with the lowest estimated cost. Nothing is measured, so the choice is the same on every machine,
    /// and training is reproducible bit for bit.
    static func cheapest(of layer: Conv2d, input: Shape, activation: Activation?) -> Algorithm {
        let algorithms = layer.algorithms(for: [input], activation: activation)
        guard let cheapest = algorithms.min(by: { $0.cost < $1.cost }) else {
            preconditionFailure("no algorithm computes a convolution of \(layer.weight.shape) on \(input)")
        }
        return cheapest
    }
}

/// The extents of a convolution, in terms of the matrix product that computes it.
struct ConvolutionShape {
    /// The shape of one image's input, `[C, H, W]`.
    let input: Shape
    /// The shape of one image's output, `[O, H', W']`.
    let output: Shape
    let groups: Int
    let window: Window

    init(_ layer: Conv2d, input: Shape, output: Shape) {
        self.input = input
        self.output = output
        groups = layer.groups
        window = layer.window
    }

    var inputsPerGroup: Int { input[0] / groups }
    var outputsPerGroup: Int { output[0] / groups }
    /// The number of products summed for one output value: (C / groups)·KH·KW.
    var depth: Int { inputsPerGroup * window.kernelSize.height * window.kernelSize.width }
    /// The number of output pixels of one channel of one image: H'·W'.
    var positions: Int { output[1] * output[2] }

    /// The sliding window over one group's channels of one image, for the C kernels.
    var kernelWindow: kernel_window {
        kernel_window(window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
    }
}

/// An algorithm for the gradients of a convolution's weights and biases.
protocol ConvolutionWeightGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func sharedByteCount(batchSize: Int) -> Int
    func run(_ run: DifferentiableRun)
}

/// An algorithm for the gradient of a convolution's input.
protocol ConvolutionInputGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func prepare(_ workers: WorkerPool)
    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>)
}
