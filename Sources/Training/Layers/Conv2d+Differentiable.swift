import CKernels
import Files
import Inference
import Threads

extension Conv2d: DifferentiableLayer {
    func differentiable(_ site: LayerSite) -> any DifferentiableOperation {
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
    private let kernelGradient: (any KernelGradient)?
    private let inputGradient: (any ConvolutionInputGradient)?
    /// Lends the prepared kernels their memory: it is the same at each step.
    private let memory = BufferPool(countLimit: 8)

    init(_ layer: Conv2d, _ site: LayerSite) {
        // The layer's own parameters are where training began; from now on these count.
        let layer = layer.with(site.entries.map(site.parameters.tensor))
        let shape = ConvolutionShape(layer, input: site.inputs[0], output: site.output)
        forwardAlgorithm = .cheapest(of: layer, input: site.inputs[0], activation: site.activation)
        let bias = layer.hasBias ? site.entries[1] : nil
        if !site.wantsParameterGradients {
            kernelGradient = nil
        } else if let tiling = WinogradKernelGradient.tilings(of: layer, shape).first {
            kernelGradient = WinogradKernelGradient(
                tiling: tiling, shape: shape, parameters: site.parameters, weight: site.entries[0],
                bias: bias)
        } else {
            kernelGradient = UnfoldedKernelGradient(
                shape: shape, parameters: site.parameters, weight: site.entries[0], bias: bias)
        }
        if !site.wantsInputGradient {
            inputGradient = nil
        } else if TurnedConvolution.computes(shape) {
            inputGradient = TurnedConvolution(layer, shape, memory: memory)
        } else {
            inputGradient = ScatteredGradient(layer, shape)
        }
    }

    func scratchByteCount(batchSize: Int) -> Int {
        max(
            operation.scratchByteCount(batchSize: batchSize),
            kernelGradient?.scratchByteCount(batchSize: batchSize) ?? 0,
            inputGradient?.scratchByteCount(batchSize: batchSize) ?? 0)
    }

    func sharedByteCount(batchSize: Int) -> Int { kernelGradient?.sharedByteCount(batchSize: batchSize) ?? 0 }

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
        kernelGradient?.run(run)
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
