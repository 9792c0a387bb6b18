import CKernels

/// A rectifier that could not ride on the layer before it.
struct ElementwiseReLU: Operation {
    let name = "elementwise"
    let elementCount: Int

    func run(_ run: OperationRun) {
        run.parallelFor(run.batchSize) { image, _ in
            kernel_relu(run.input() + image * elementCount, run.output + image * elementCount, elementCount)
        }
    }
}
