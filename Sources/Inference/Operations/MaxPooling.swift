import CKernels

/// Max-pooling, plane by plane.
struct MaxPooling: Operation {
    let name = "planes"
    let window: Window
    let input: Shape
    let output: Shape

    func run(_ run: OperationRun) {
        let (inputPlane, outputPlane) = (input[1] * input[2], output[1] * output[2])
        let channels = input[0]
        run.workers.parallelForBlocks(run.batchSize * channels, blockSize: 16) { plane in
            var window = kernel_window(window, height: input[1], width: input[2], outputWidth: output[2])
            kernel_max_pool(run.input() + plane * inputPlane, &window, output[1], run.output + plane * outputPlane)
        }
    }
}
