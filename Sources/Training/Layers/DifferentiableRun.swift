import Inference
import Threads

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
