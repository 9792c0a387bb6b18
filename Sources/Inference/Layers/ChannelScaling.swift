import CKernels

/// One factor and one summand a channel, pixel by pixel.
struct ChannelScaling: Operation {
    let name = "pixels"
    let scale: Tensor
    let shift: Tensor
    let input: Shape
    let activation: Activation?

    func run(_ run: OperationRun) {
        let channels = input[0]
        run.parallelForRanges(run.batchSize * input[1] * input[2], minCount: 256) { pixels, _ in
            let offset = pixels.lowerBound * channels
            scale.withUnsafeScalars { scale in
                shift.withUnsafeScalars { shift in
                    kernel_scale_columns(
                        run.input() + offset, pixels.count, channels, scale.baseAddress, shift.baseAddress,
                        activation == .relu, run.output + offset)
                }
            }
        }
    }
}
