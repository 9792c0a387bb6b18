import CKernels

/// Puts channels outermost, in the order in which linear layers' weights expect them.
struct ChannelFlattening: Operation {
    let name = "transpose"
    /// `[C, H, W]`
    let input: Shape

    func run(_ run: OperationRun) {
        for image in 0..<run.batchSize {
            kernel_transpose(
                run.input() + image * input.elementCount, input[1] * input[2], input[0],
                run.output + image * input.elementCount)
        }
    }
}
