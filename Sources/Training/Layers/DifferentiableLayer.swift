import Inference

/// A layer that gradients pass through.
protocol DifferentiableLayer: Layer {
    /// The layer's passes on inputs of a known shape.
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation

    /// The same layer with other parameters, in the order of ``Layer/parameters``.
    func with(_ parameters: [Tensor]) -> Self
}

extension DifferentiableLayer {
    /// Most have none.
    func with(_ parameters: [Tensor]) -> Self { self }
}

/// Where a layer stands in a network that learns.
struct LayerContext {
    /// Of one example.
    let inputs: [Shape]
    /// Of one example.
    let output: Shape
    /// Computed by this layer together with its output; its gradient is not this layer's business.
    let activation: Activation?
    /// Set where the input is the output of a ReLU that leaves its gradient to this layer.
    let fusesInputReLU: Bool
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
    func savedByteCount(batchSize: Int) -> Int

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
    func savedByteCount(batchSize: Int) -> Int { 0 }
    func scratchByteCount(batchSize: Int) -> Int { 0 }
    func sharedByteCount(batchSize: Int) -> Int { 0 }
    func prepare(_ workers: WorkerPool) {}
}

/// What a layer's passes work on: memory of one network that learns, and the threads that share the work.
struct DifferentiableRun: @unchecked Sendable {  // guard: one run at a time has the network's memory
    /// How many examples there are.
    let batchSize: Int
    /// Tells this step's random choices at this layer from all others; nil where nothing is left to chance.
    let seed: UInt64?
    /// Shape: `[N, …]` each.
    let inputs: [UnsafePointer<Float>]
    /// Shape: `[N, …]`.
    let output: UnsafeMutablePointer<Float>
    /// Shape: `[N, …]` each; nil where nobody asks.
    let inputGradients: [UnsafeMutablePointer<Float>?]
    /// Shape: `[N, …]`.
    let outputGradient: UnsafeMutablePointer<Float>
    /// What the forward pass leaves for the backward pass.
    let kept: UnsafeMutablePointer<Float>
    /// Scratch memory that all threads share.
    let shared: UnsafeMutablePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
    /// The distance between two threads' scratch. Units: floats.
    let scratchStride: Int
    let workers: WorkerPool

    var input: UnsafePointer<Float> { inputs[0] }

    /// The scratch memory of a slot of ``parallelFor(_:_:)``.
    func scratch(slot: Int) -> UnsafeMutablePointer<Float> { scratch + slot * scratchStride }

    /// Runs `body` for each index of `0..<count`, as ``WorkerPool/parallelFor(_:_:)``.
    func parallelFor(_ count: Int, _ body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void) {
        workers.parallelFor(count, body)
    }

    /// The run of an operation that predicts, from one value to another.
    func predicting(
        from input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>
    ) -> OperationRun {
        OperationRun(
            batchSize: batchSize, inputOffsets: [input - UnsafePointer(scratch)], outputOffset: output - scratch,
            scratchOffset: 0, scratchStride: scratchStride, memory: scratch, workers: workers,
            threadCount: workers.threadCount)
    }
}
