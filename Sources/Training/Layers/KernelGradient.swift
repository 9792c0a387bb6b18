/// One way to compute the gradients of a convolution's kernels and biases.
protocol KernelGradient: Sendable {
    func scratchByteCount(batchSize: Int) -> Int
    func sharedByteCount(batchSize: Int) -> Int
    func run(_ run: DifferentiableRun)
}
