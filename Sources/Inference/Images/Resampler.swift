import CKernels

/// Resizes a picture to the bit as Pillow's `resize(size, BILINEAR)` does, and cuts a window out of the result.
///
/// Pillow first resamples every row, rounds to bytes, then resamples the columns. Here each input row goes through both
/// at once: it is resampled, then added to the sums of the few output rows that it touches. So what is held beside
/// input and output is bounded by the output, however long the input is.
struct Resampler {
    private let columns: ResampleAxis
    private let rows: ResampleAxis
    private let columnWindow: Range<Int>
    private let rowWindow: Range<Int>
    private let isGrey: Bool

    /// - Parameter rowWindow: with `columnWindow`, the part of the resized picture that is wanted.
    /// - Parameter isGrey: is a picture of three channels turned grey before it is resized?
    init(
        from input: (height: Int, width: Int), to output: (height: Int, width: Int), rowWindow: Range<Int>,
        columnWindow: Range<Int>, isGrey: Bool
    ) {
        columns = ResampleAxis(inputLength: input.width, outputLength: output.width, window: columnWindow)
        rows = ResampleAxis(inputLength: input.height, outputLength: output.height, window: rowWindow)
        self.columnWindow = columnWindow
        self.rowWindow = rowWindow
        self.isGrey = isGrey
    }

    /// Writes the window's rows, `outputStride` bytes apart.
    ///
    /// - Parameter output: the place of the window's first pixel; one byte a pixel for a grey result, else three.
    func write(_ image: PixelImage, to output: UnsafeMutablePointer<UInt8>, outputStride: Int) {
        guard let firstRow = rows.starts.first, let lastRow = rows.starts.last, let lastCount = rows.counts.last,
            !columnWindow.isEmpty
        else { return }
        let turnsGrey = isGrey && image.channelCount == 3
        let channels = turnsGrey ? 1 : image.channelCount
        let rowByteCount = columnWindow.count * channels
        // Sums of the output rows in progress, in a ring.
        let ringCount = rowsInProgress
        var sums = [Int32](repeating: RESIZE_HALF, count: ringCount * rowByteCount)
        var greys = [UInt8](repeating: 0, count: turnsGrey ? image.width : 0)
        var resampled = [UInt8](repeating: 0, count: rowByteCount)
        var (oldest, next) = (0, 0)

        for y in Int(firstRow)..<Int(lastRow + lastCount) {
            image.pixels.withUnsafeBufferPointer { pixels in
                greys.withUnsafeMutableBufferPointer { greys in
                    guard var row = pixels.baseAddress?.advanced(by: y * image.width * image.channelCount) else {
                        return
                    }
                    if turnsGrey, let grey = greys.baseAddress {
                        resize_grey_row(row, grey, image.width)
                        row = UnsafePointer(grey)
                    }
                    resample(row, channels: channels, to: &resampled)
                }
            }
            while next < rowWindow.count, Int(rows.starts[next]) <= y { next += 1 }
            for out in oldest..<next {
                let weight = rows.weights[out * rows.stride + y - Int(rows.starts[out])]
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let sum = sums.baseAddress?.advanced(by: out % ringCount * rowByteCount) else { return }
                    resize_accumulate(sum, resampled, weight, rowByteCount)
                    if y + 1 == Int(rows.starts[out] + rows.counts[out]) {
                        resize_finish(sum, output + out * outputStride, rowByteCount)
                    }
                }
            }
            while oldest < next, y + 1 >= Int(rows.starts[oldest] + rows.counts[oldest]) { oldest += 1 }
        }
    }

    private func resample(_ row: UnsafePointer<UInt8>, channels: Int, to resampled: inout [UInt8]) {
        if columns.isIdentity {
            let bytes = UnsafeBufferPointer(
                start: row + columnWindow.lowerBound * channels, count: columnWindow.count * channels)
            resampled.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: bytes) }
        } else {
            resize_row(
                row, Int32(channels), columns.starts, columns.counts, columns.weights, columns.stride, &resampled,
                columnWindow.count)
        }
    }

    /// The most output rows that one input row takes part in, or starts before the oldest of them has ended.
    private var rowsInProgress: Int {
        var (oldest, most) = (0, 1)
        for row in 0..<rowWindow.count {
            while rows.starts[oldest] + rows.counts[oldest] <= rows.starts[row] { oldest += 1 }
            most = max(most, row - oldest + 1)
        }
        return most
    }
}
