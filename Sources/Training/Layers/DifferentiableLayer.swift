import Inference
import Threads

/// A layer that gradients pass through.
protocol DifferentiableLayer: Layer {
    /// The layer's passes on inputs of a known shape.
    func differentiable(_ site: LayerSite) -> any DifferentiableOperation

    /// The same layer with other parameters, in the order of ``Layer/parameters``.
    func with(_ parameters: [Tensor]) -> Self
}

extension DifferentiableLayer {
    /// Most have none.
    func with(_ parameters: [Tensor]) -> Self { self }
}

/// Where a layer stands in a network that learns.
struct LayerSite {
    /// Of one example.
    let inputs: [Shape]
    /// Of one example.
    let output: Shape
    /// Computed by this layer together with its output; its gradient is not this layer's business.
    let activation: Activation?
    /// Set where the input is the output of a rectifier that leaves its gradient to this layer.
    let rectifiedInput: Bool
    let parameters: Parameters
    /// The layer's own, in the order of ``Layer/parameters``.
    let entries: [Parameters.Entry]
    /// Not set for layers that are frozen.
    let wantsParameterGradients: Bool
    /// Not set for inputs behind which nothing learns.
    let wantsInputGradient: Bool
}

/// One layer's passes through a network that learns: forward, and back with the gradients.
///
/// Values with rows and columns lie with their channels innermost, `[N, H, W, C]`; others `[N, F]`. Results depend on the
/// batch alone, never on how many threads work on it.
protocol DifferentiableOperation: Sendable {
    /// Whether the output is written over the input, and the input's gradient over the output's.
    var worksInPlace: Bool { get }

    /// What is remembered from the forward pass to the backward pass. Units: bytes.
    func keptByteCount(batchSize: Int) -> Int

    /// Scratch memory that each thread needs for itself. Units: bytes.
    func scratchByteCount(batchSize: Int) -> Int

    /// Scratch memory that all threads share. Units: bytes.
    func sharedByteCount(batchSize: Int) -> Int

    /// Takes in the parameters as they are now: once before each forward pass.
    func prepare(_ workers: WorkerPool)

    func forward(_ run: DifferentiableRun)

    /// Writes the gradients of the inputs and of the parameters.
    func backward(_ run: DifferentiableRun)
}

extension DifferentiableOperation {
    var worksInPlace: Bool { false }
    func keptByteCount(batchSize: Int) -> Int { 0 }
    func scratchByteCount(batchSize: Int) -> Int { 0 }
    func sharedByteCount(batchSize: Int) -> Int { 0 }
    func prepare(_ workers: WorkerPool) {}
}
