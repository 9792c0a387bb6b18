import CKernels

/// The filter weights that resample one axis, as in Pillow's antialiased bilinear filter.
///
/// The filter is a triangle. Its support (radius) is one input pixel, or one output pixel when the axis shrinks. Only
/// the outputs inside a window are kept, so that a crop of a long axis costs no more than the crop.
struct ResampleWeights: Equatable {
    /// For each output, the first input pixel under the filter; ascending.
    private(set) var starts: [Int32]

    /// For each output, how many input pixels are under the filter.
    private(set) var counts: [Int32]

    /// ``stride`` weights for each output: fixed-point numbers with 22 fractional bits.
    private(set) var weights: [Int32]

    /// Distance from one output's weights to the next output's.
    private(set) var stride: Int

    /// All input pixels that contribute to an output.
    var inputs: Range<Int> {
        guard let first = starts.first, let last = starts.last, let count = counts.last else { return 0..<0 }
        return Int(first)..<Int(last + count)
    }

    /// Number of output pixels in the window.
    var outputCount: Int { starts.count }

    /// Computes the weights that resize an axis from `inputLength` to `outputLength` pixels.
    ///
    /// - Parameters:
    ///   - span: the part of the input that the output covers. Its ends may cut a pixel, as after a scaled decode.
    ///   - window: the outputs to compute, within `0..<outputLength`.
    init(inputLength: Int, span: Range<Double>, outputLength: Int, window: Range<Int>) {
        let scale = (span.upperBound - span.lowerBound) / Double(outputLength)
        let filterScale = max(scale, 1)
        let support = filterScale
        let step = 1 / filterScale
        let stride = min(Int(support.rounded(.up)) * 2 + 1, inputLength)
        var starts: [Int32] = []
        var counts: [Int32] = []
        var weights = [Int32](repeating: 0, count: window.count * stride)
        starts.reserveCapacity(window.count)
        counts.reserveCapacity(window.count)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: stride) { exact in
            weights.withUnsafeMutableBufferPointer { weights in
                for (row, output) in window.enumerated() {
                    // Same order of operations as in Pillow, so that every rounding is the same.
                    let center = span.lowerBound + (Double(output) + 0.5) * scale
                    let start = max(0, Int(center - support + 0.5))
                    let count = min(inputLength, Int(center + support + 0.5)) - start
                    var sum = 0.0
                    for index in 0..<count {
                        let distance = abs((Double(index + start) - center + 0.5) * step)
                        exact[index] = distance < 1 ? 1 - distance : 0
                        sum += exact[index]
                    }
                    for index in 0..<count {
                        let weight = sum == 0 ? exact[index] : exact[index] / sum
                        weights[row * stride + index] = Int32(0.5 + weight * Double(1 << 22))
                    }
                    starts.append(Int32(start))
                    counts.append(Int32(count))
                }
            }
        }
        (self.starts, self.counts, self.weights, self.stride) = (starts, counts, weights, stride)
    }

    /// The weights for an axis stored in reverse. The outputs are reversed too, so that `starts` stays ascending.
    func mirrored(inputLength: Int) -> ResampleWeights {
        var mirror = self
        for (new, old) in (0..<outputCount).reversed().enumerated() {
            let count = Int(counts[old])
            mirror.starts[new] = Int32(inputLength) - starts[old] - counts[old]
            mirror.counts[new] = counts[old]
            for index in 0..<stride {
                mirror.weights[new * stride + index] = index < count ? weights[old * stride + count - 1 - index] : 0
            }
        }
        return mirror
    }

    /// The largest number of outputs in progress at once when the inputs arrive one after the other.
    var maxOutputsInProgress: Int {
        var (oldest, most) = (0, 1)
        for row in starts.indices {
            while starts[oldest] + counts[oldest] <= starts[row] { oldest += 1 }
            most = max(most, row - oldest + 1)
        }
        return most
    }
}

/// The horizontal pass of a separable resize: weights laid out for the SIMD kernels, with padded taps and packed
/// halves.
struct HorizontalPass {
    private let starts: [Int32]
    private let weights: [Int32]
    private let packed: [Int16]
    private let tapCount: Int

    /// Width of a resampled row. Units: pixels.
    let outputCount: Int

    /// Lays out the weights of `axis`.
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
                // Padding taps of the last outputs go in front, so that no read goes far past the last input.
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
