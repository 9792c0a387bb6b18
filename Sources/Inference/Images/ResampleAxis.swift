/// The weights that resample one axis, as Pillow's antialiased bilinear filter has them: a triangle as wide as two input
/// pixels or, when the axis shrinks, two output pixels.
///
/// Only the outputs of a window are held, so that a crop out of a far longer axis costs no more than the crop.
struct ResampleAxis {
    /// One for each output: the first input that counts.
    private(set) var starts: [Int32]

    /// One for each output: how many inputs count.
    private(set) var counts: [Int32]

    /// ``stride`` for each output: fixed-point numbers with 22 fractional bits.
    private(set) var weights: [Int32]

    /// How far one output's weights lie from the next one's.
    let stride: Int

    /// Does the axis stay as it is, but for the window?
    let isIdentity: Bool

    /// Weighs an axis of `inputLength` pixels that becomes `outputLength` pixels.
    ///
    /// - Parameter window: the outputs that are wanted, within `0..<outputLength`.
    init(inputLength: Int, outputLength: Int, window: Range<Int>) {
        let scale = Double(inputLength) / Double(outputLength)
        let filterScale = max(scale, 1)
        let support = filterScale
        let step = 1 / filterScale
        stride = min(Int(support.rounded(.up)) * 2 + 1, inputLength)
        isIdentity = inputLength == outputLength
        starts = []
        counts = []
        weights = [Int32](repeating: 0, count: window.count * stride)
        starts.reserveCapacity(window.count)
        counts.reserveCapacity(window.count)
        var exact = [Double](repeating: 0, count: stride)
        for (row, output) in window.enumerated() {
            // The order of these operations is Pillow's: each rounding counts.
            let center = (Double(output) + 0.5) * scale
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
