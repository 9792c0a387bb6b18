/// The filter transform of Winograd's F(4, 3) and F(4, 5), which happens once, at load.
///
/// A kernel of r × r becomes G·g·Gᵀ of n × n with n = r + 3. G evaluates the kernel as a polynomial at the points 0, ±1,
/// ±2, for r = 5 also ±1/2, and infinity.
/// - Source: Lavin and Gray 2015, arXiv:1509.09308, §4.
enum WinogradFilter {
    /// The extents of tiles by the kernel's extent: those that ``kernel_winograd_input`` knows.
    static func tileExtent(kernelSize: Int) -> Int? {
        switch kernelSize {
        case 3: 6
        case 5: 8
        default: nil
        }
    }

    /// A row of G: the powers of `point`, times `scale`.
    private struct Evaluation {
        let scale: Double
        let point: Double
    }

    /// The rows of G but the last, which stands for infinity.
    private static func evaluations(tileExtent: Int) -> [Evaluation] {
        if tileExtent == 6 {
            return [
                Evaluation(scale: 1.0 / 4, point: 0),
                Evaluation(scale: -1.0 / 6, point: 1), Evaluation(scale: -1.0 / 6, point: -1),
                Evaluation(scale: 1.0 / 24, point: 2), Evaluation(scale: 1.0 / 24, point: -2),
            ]
        }
        return [
            Evaluation(scale: 1, point: 0),
            Evaluation(scale: -2.0 / 9, point: 1), Evaluation(scale: -2.0 / 9, point: -1),
            Evaluation(scale: 1.0 / 90, point: 2), Evaluation(scale: 1.0 / 90, point: -2),
            Evaluation(scale: 32.0 / 45, point: 0.5), Evaluation(scale: 32.0 / 45, point: -0.5),
        ]
    }

    /// G, row by row.
    static func matrix(kernelSize: Int, tileExtent: Int) -> [[Double]] {
        var rows: [[Double]] = []
        for evaluation in evaluations(tileExtent: tileExtent) {
            var row = [evaluation.scale]
            for _ in 1..<kernelSize { row.append(row[row.count - 1] * evaluation.point) }
            rows.append(row)
        }
        rows.append((0..<kernelSize).map { $0 == kernelSize - 1 ? 1 : 0 })
        return rows
    }

    /// Transforms every kernel, in float64 until the last step.
    ///
    /// Shape: weight `[O, I, r, r]`, result `[n·n, O, I]`.
    static func transform(_ weight: Tensor, tileExtent: Int) -> Tensor {
        let (outputs, inputs, size) = (weight.shape[0], weight.shape[1], weight.shape[2])
        let matrix = matrix(kernelSize: size, tileExtent: tileExtent)
        let places = tileExtent * tileExtent
        return Tensor([places, outputs, inputs]) { result in
            weight.withUnsafeScalars { kernels in
                var half = [Double](repeating: 0, count: tileExtent * size)
                for pair in 0..<outputs * inputs {
                    let kernel = UnsafeBufferPointer(rebasing: kernels[pair * size * size..<(pair + 1) * size * size])
                    for i in 0..<tileExtent {
                        for x in 0..<size {
                            var sum = 0.0
                            for y in 0..<size { sum += matrix[i][y] * Double(kernel[y * size + x]) }
                            half[i * size + x] = sum
                        }
                    }
                    for i in 0..<tileExtent {
                        for j in 0..<tileExtent {
                            var sum = 0.0
                            for x in 0..<size { sum += half[i * size + x] * matrix[j][x] }
                            let place = i * tileExtent + j
                            result.initializeElement(at: place * outputs * inputs + pair, to: Float(sum))
                        }
                    }
                }
            }
        }
    }
}
