/// The filter weights for resampling one axis, as in Pillow's antialiased bilinear filter.
///
/// The filter is a triangle. Its support (radius) is one input pixel, or one output pixel if the axis shrinks. Only
/// outputs inside a window are computed, so cropping a long axis costs no more than the crop.
struct ResampleWeights: Equatable {
    /// The first input pixel under the filter, for each output; ascending.
    private(set) var starts: [Int32]

    /// The number of input pixels under the filter, for each output.
    private(set) var counts: [Int32]

    /// ``stride`` weights for each output: fixed-point numbers with 22 fractional bits.
    private(set) var weights: [Int32]

    /// The distance between the weights of two outputs.
    private(set) var stride: Int

    /// The input pixels that contribute to at least one output.
    var inputs: Range<Int> {
        guard let first = starts.first, let last = starts.last, let count = counts.last else { return 0..<0 }
        return Int(first)..<Int(last + count)
    }

    /// The number of outputs in the window.
    var outputCount: Int { starts.count }

    /// Computes the weights that resize an axis from `inputLength` to `outputLength` pixels.
    ///
    /// - Parameters:
    ///   - span: the part of the input that the output covers. Its ends may be inside a pixel, as after scaled
    ///     decoding.
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
                    // The same order of operations as in Pillow, so that every rounding is the same.
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

    /// The weights for an axis that is stored in reverse. The outputs are reversed too, so that `starts` stays
    /// ascending.
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

    /// The most outputs in progress at once if the inputs arrive in order.
    var maxOutputsInProgress: Int {
        var (oldest, most) = (0, 1)
        for row in starts.indices {
            while starts[oldest] + counts[oldest] <= starts[row] { oldest += 1 }
            most = max(most, row - oldest + 1)
        }
        return most
    }
}
