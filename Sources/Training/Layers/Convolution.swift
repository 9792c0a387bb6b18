import CKernels
import Inference

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

/// A convolution's three passes: forward as in inference, the parameters' gradients as products of unfolded windows, and the
/// input's gradient as another convolution.
final class Conv2dDifferentiation: DifferentiableOperation, @unchecked Sendable {  // guard: `prepare` has no company
    private let forwardAlgorithm: Algorithm
    private var forwardOperation: (any Operation)?
    private let weightGradient: (any ConvolutionWeightGradient)?
    private let inputGradient: (any ConvolutionInputGradient)?
    /// Lends the prepared kernels their memory: it is the same at each step.
    private let memory = BufferPool(countLimit: 8)

    init(_ layer: Conv2d, _ site: LayerContext) {
        // The layer's own parameters are where training began; from now on these count.
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
        // What the last step used goes first: its memory is used again.
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
    /// The way to compute a convolution that is expected to cost least: the same on every machine, so that training can be
    /// repeated bit for bit.
    static func cheapest(of layer: Conv2d, input: Shape, activation: Activation?) -> Algorithm {
        let algorithms = layer.algorithms(for: [input], activation: activation)
        guard let cheapest = algorithms.min(by: { $0.cost < $1.cost }) else {
            preconditionFailure("no algorithm computes a convolution of \(layer.weight.shape) on \(input)")
        }
        return cheapest
    }
}

/// The extents of one convolution, in the terms of matrix products.
struct ConvolutionShape {
    /// `[C, H, W]`
    let input: Shape
    /// `[O, H', W']`
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
    /// How many products make one output value: (C / groups)·KH·KW.
    var depth: Int { inputsPerGroup * window.kernelSize.height * window.kernelSize.width }
    /// Output positions of one channel of one image.
    var positions: Int { output[1] * output[2] }

    /// The window's way over one image of one group.
    var kernelWindow: kernel_window {
        kernel_window(window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
    }
}

/// One way to compute the gradients of a convolution's kernels and biases.
protocol ConvolutionWeightGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func sharedByteCount(batchSize: Int) -> Int
    func run(_ run: DifferentiableRun)
}

/// One way to compute the gradient of a convolution's input.
protocol ConvolutionInputGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func prepare(_ workers: WorkerPool)
    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>)
}
