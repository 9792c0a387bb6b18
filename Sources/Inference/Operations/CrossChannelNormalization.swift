import CKernels

/// Local response normalisation, image by image.
struct CrossChannelNormalization: Operation {
    let name = "channels"
    let layer: LocalResponseNorm
    let input: Shape

    private var pixels: Int { input[1] * input[2] }

    func scratchByteCount(batchSize: Int) -> Int { pixels * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let elementCount = input.elementCount
        run.workers.parallelFor(run.batchSize) { image, slot in
            kernel_local_response_norm(
                run.input() + image * elementCount, run.output + image * elementCount, input[0], pixels,
                layer.size, layer.alphaPerTerm, layer.beta, layer.k, run.scratch(slot: slot))
        }
    }
}
