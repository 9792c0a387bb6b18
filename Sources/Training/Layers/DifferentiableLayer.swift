import Inference
import Threads

/// A layer with a backward pass.
protocol DifferentiableLayer: Layer {
    /// The layer's forward and backward passes, for known shapes.
    func differentiable(_ site: LayerContext) -> any DifferentiableOperation

    /// The same layer with other parameters, given in the order of ``Layer/parameters``.
    func with(_ parameters: [Tensor]) -> Self
}

extension DifferentiableLayer {
    /// By default, a layer has no parameters.
    func with(_ parameters: [Tensor]) -> Self { self }
}

/// What a layer needs to know about the network in which it is trained.
struct LayerContext {
    /// The shapes of the inputs, without the batch axis.
    let inputs: [Shape]
    /// The shape of the output, without the batch axis.
    let output: Shape
    /// The activation that is fused into the forward pass; nil for none. A separate step computes its gradient.
    let activation: Activation?
    /// Whether this layer's backward pass includes that of the ReLU before it.
    let fusesInputReLU: Bool
    /// The parameters of the whole network.
    let parameters: Parameters
    /// The layer's own parameters, in the order of ``Layer/parameters``.
    let entries: [Parameters.Entry]
    /// Whether gradients of the parameters are needed; false for a frozen layer.
    let wantsParameterGradients: Bool
    /// Whether a gradient of the input is needed; false if nothing before this layer is trained.
    let wantsInputGradient: Bool
}

/// The forward and backward passes of a layer.
///
/// Images have the layout `[N, H, W, C]` (channels-last), features `[N, F]`. Results do not depend on the number of
/// threads.
protocol DifferentiableOperation: Sendable {
    /// Whether the forward pass overwrites the input, and the backward pass the output's gradient.
    var worksInPlace: Bool { get }

    /// Memory that the forward pass saves for the backward pass. Units: bytes.
    func savedByteCount(batchSize: Int) -> Int

    /// Scratch memory for each thread. Units: bytes.
    func scratchByteCount(batchSize: Int) -> Int

    /// Scratch memory that all threads share. Units: bytes.
    func sharedByteCount(batchSize: Int) -> Int

    /// Prepares the current parameters. Called once before each forward pass.
    func prepare(_ workers: WorkerPool)

    /// Writes the output.
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

/// The memory that a layer's pass works on, and the threads that share the work.
struct DifferentiableRun: @unchecked Sendable {  // guard: one run at a time has the network's memory
    /// The number of examples.
    let batchSize: Int
    /// The seed of this layer's random choices in this step; nil turns dropout off.
    let seed: UInt64?
    /// The layer's inputs. Shape: `[N, …]` each.
    let inputs: [UnsafePointer<Float>]
    /// The layer's output. Shape: `[N, …]`.
    let output: UnsafeMutablePointer<Float>
    /// The gradients of the inputs, which are written. Shape: `[N, …]` each; nil if none is needed.
    let inputGradients: [UnsafeMutablePointer<Float>?]
    /// The gradient of the output, which is read. Shape: `[N, …]`.
    let outputGradient: UnsafeMutablePointer<Float>
    /// Memory that the forward pass saves for the backward pass.
    let saved: UnsafeMutablePointer<Float>
    /// Scratch memory that all threads share.
    let shared: UnsafeMutablePointer<Float>
    /// Scratch memory of the first slot; see ``scratch(slot:)``.
    let scratch: UnsafeMutablePointer<Float>
    /// The distance between two slots' scratch memory. Units: floats.
    let scratchStride: Int
    /// The threads.
    let workers: WorkerPool

    var input: UnsafePointer<Float> { inputs[0] }

    /// The scratch memory of a slot of ``parallelFor(_:_:)``.
    func scratch(slot: Int) -> UnsafeMutablePointer<Float> { scratch + slot * scratchStride }

    /// Runs `body` for each index of `0..<count`, as ``WorkerPool/parallelFor(_:_:)``.
    func parallelFor(_ count: Int, _ body: @escaping @Sendable (_ index: Int, _ slot: Int) -> Void) {
        workers.parallelFor(count, body)
    }

    /// The same memory for an operation of inference, from one value to another.
    func predicting(
        from input: UnsafePointer<Float>, to output: UnsafeMutablePointer<Float>
    ) -> OperationRun {
        OperationRun(
            batchSize: batchSize, inputOffsets: [input - UnsafePointer(scratch)], outputOffset: output - scratch,
            scratchOffset: 0, scratchStride: scratchStride, memory: scratch, workers: workers,
            threadCount: workers.threadCount)
    }
}
