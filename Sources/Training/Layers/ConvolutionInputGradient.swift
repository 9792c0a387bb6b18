import Inference
import Threads

/// One way to compute the gradient of a convolution's input.
protocol ConvolutionInputGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func prepare(_ workers: WorkerPool)
    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>)
}
