import CKernels

/// Max-pooling, all channels of a window at once.
struct MaxPooling: Operation {
    let name = "windows"
    let window: Window
    let input: Shape
    let output: Shape

    func run(_ run: OperationRun) {
        run.parallelFor(run.batchSize) { image, _ in
            var window = kernel_window(
                window, height: input[1], width: input[2], pixelStride: input[0], outputWidth: output[2])
            kernel_max_pool(
                run.input() + image * input.elementCount, &window, input[0], output[1],
                run.output + image * output.elementCount)
        }
    }
}
