import CKernels

/// The horizontal pass of a separable resize. It stores the filter weights in the layout of the SIMD kernels, with
/// padded taps and split halves.
struct HorizontalPass {
    private let starts: [Int32]
    private let weights: [Int32]
    private let packed: [Int16]
    private let tapCount: Int

    /// The width of a resampled row. Units: pixels.
    let outputCount: Int

    /// Converts the weights of `axis` to the kernels' layout.
    ///
    /// - Parameter firstInput: the input column at which the rows start.
    init(_ axis: ResampleWeights, firstInput: Int) {
        let (group, step) = (Int(RESIZE_GROUP), Int(RESIZE_STEP))
        let outputCount = axis.outputCount
        let most = Int(axis.counts.max() ?? 0)
        let tapCount = (most + step - 1) / step * step
        let last = axis.inputs.upperBound
        var starts: [Int32] = []
        starts.reserveCapacity(outputCount + group)
        let weights = [Int32](unsafeUninitializedCapacity: outputCount * tapCount) { weights, initialized in
            weights.initialize(repeating: 0)
            for output in 0..<outputCount {
                // The last outputs get their padding taps in front, so that no read goes far past the last input.
                let start = Int(axis.starts[output])
                let shifted = max(firstInput, min(start, last - tapCount))
                starts.append(Int32(shifted - firstInput))
                for index in 0..<Int(axis.counts[output]) {
                    weights[output * tapCount + start - shifted + index] = axis.weights[output * axis.stride + index]
                }
            }
            initialized = outputCount * tapCount
        }
        while !starts.count.isMultiple(of: group) { starts.append(starts[outputCount - 1]) }
        let packedCount = (outputCount + group - 1) / group * group * tapCount * 2
        packed = [Int16](unsafeUninitializedCapacity: packedCount) { packed, initialized in
            resize_pack(weights, outputCount, tapCount, packed.baseAddress)
            initialized = packedCount
        }
        (self.starts, self.weights, self.tapCount, self.outputCount) = (starts, weights, tapCount, outputCount)
    }

    /// Resamples rows of `channels` channels. Up to `RESIZE_SLACK` bytes past each row are read and written.
    func resample(
        _ rows: UnsafePointer<UInt8>, stride: Int, rowCount: Int, channels: Int, swapsRedAndBlue: Bool,
        to output: UnsafeMutablePointer<UInt8>, outputStride: Int
    ) {
        starts.withUnsafeBufferPointer { starts in
            weights.withUnsafeBufferPointer { weights in
                packed.withUnsafeBufferPointer { packed in
                    var columns = resize_columns(
                        output_count: outputCount, tap_count: tapCount, starts: starts.baseAddress,
                        weights: weights.baseAddress, packed: packed.baseAddress)
                    if channels == 1 {
                        resize_rows_grey(rows, stride, rowCount, &columns, output, outputStride)
                    } else {
                        resize_rows_rgb(
                            rows, stride, rowCount, &columns, swapsRedAndBlue ? 1 : 0, output, outputStride)
                    }
                }
            }
        }
    }
}
