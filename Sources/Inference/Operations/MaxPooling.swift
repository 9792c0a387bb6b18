import CKernels

/// Max-pooling, plane by plane.
struct MaxPooling: Operation {
    let name = "planes"
    let window: Window
    let input: Shape
    let output: Shape

    /// Planes are dealt out so many at a time.
    private static let blockSize = 16

    /// One row.
    func scratchByteCount(batchSize: Int) -> Int { input[2] * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let (inputPlane, outputPlane) = (input[1] * input[2], output[1] * output[2])
        run.workers.parallelForBlocks(run.batchSize * input[0], blockSize: Self.blockSize) { plane, slot in
            var window = kernel_window(window, height: input[1], width: input[2], outputWidth: output[2])
            kernel_max_pool(
                run.input() + plane * inputPlane, &window, output[1], run.scratch(slot: slot),
                run.output + plane * outputPlane)
        }
    }
}
