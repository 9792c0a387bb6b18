import Threads

@testable import Inference

extension Layer {
    /// Every way to compute the layer, made ready.
    func operations(for inputs: [Shape], activation: Activation?, workers: WorkerPool) -> [any Operation] {
        algorithms(for: inputs, activation: activation).map { $0.make(workers) }
    }
}

/// See ``Operation/values(on:outputShape:workers:)``.
func run(_ operation: any Operation, on input: Tensor, outputShape: Shape, workers: WorkerPool) -> [Float] {
    operation.values(on: input, outputShape: outputShape, workers: workers)
}

/// See ``Operation/values(on:outputShape:workers:)``.
func run(_ operation: any Operation, on inputs: [Tensor], outputShape: Shape, workers: WorkerPool) -> [Float] {
    operation.values(on: inputs, outputShape: outputShape, workers: workers)
}

/// See ``ArithmeticTrial``.
func largestDifference(_ left: [Float], _ right: [Float]) -> Float { ArithmeticTrial.difference(left, right) }

extension Tensor {
    /// An image as the engine takes it: `[C, H, W]` to `[H, W, C]`.
    var channelsLast: Tensor {
        guard shape.rank == 3 else { return self }
        return Tensor(
            [shape[1], shape[2], shape[0]],
            scalars: scalars.channelsInnermost(shape: [1, shape[0], shape[1], shape[2]]))
    }
}
