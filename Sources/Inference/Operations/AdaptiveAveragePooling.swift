import CKernels

/// Adaptive average pooling, plane by plane.
struct AdaptiveAveragePooling: Operation {
    let name = "planes"
    let input: Shape
    let outputSize: Size2d

    func run(_ run: OperationRun) {
        let (inputPlane, outputPlane) = (input[1] * input[2], outputSize.height * outputSize.width)
        run.workers.parallelForBlocks(run.batchSize * input[0], blockSize: 64) { plane, _ in
            kernel_adaptive_average_pool(
                run.input() + plane * inputPlane, input[1], input[2], outputSize.height, outputSize.width,
                run.output + plane * outputPlane)
        }
    }
}
