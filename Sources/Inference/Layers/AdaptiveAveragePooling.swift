import CKernels

/// Adaptive average pooling, all channels of a region at once.
struct AdaptiveAveragePooling: Operation {
    let name = "regions"
    let input: Shape
    let outputSize: Size2d

    func run(_ run: OperationRun) {
        let outputCount = input[0] * outputSize.height * outputSize.width
        run.parallelFor(run.batchSize) { image, _ in
            kernel_adaptive_average_pool(
                run.input() + image * input.elementCount, input[1], input[2], input[0], outputSize.height,
                outputSize.width, run.output + image * outputCount)
        }
    }
}
