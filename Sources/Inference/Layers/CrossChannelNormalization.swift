import CKernels

/// Local response normalisation, pixel by pixel.
struct CrossChannelNormalization: Operation {
    let name = "pixels"
    let layer: LocalResponseNorm
    let input: Shape

    func scratchByteCount(batchSize: Int) -> Int { (2 * input[0] + layer.size) * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let channels = input[0]
        run.parallelForRanges(run.batchSize * input[1] * input[2], minCount: 64) { pixels, slot in
            let offset = pixels.lowerBound * channels
            kernel_local_response_norm(
                run.input() + offset, run.output + offset, channels, pixels.count, layer.size, layer.alphaPerTerm,
                layer.beta, layer.k, run.scratch(slot: slot))
        }
    }
}
