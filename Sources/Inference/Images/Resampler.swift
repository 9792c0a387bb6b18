import CKernels

/// Resizes a picture to the bit as Pillow's `resize(size, BILINEAR)` does, and cuts a window out of the result.
///
/// Pillow resamples the whole picture along one axis, rounds to bytes, then along the other. Here each input row goes
/// through both at once: it is added to the sums of the few output rows that it touches, before or after it is resampled
/// itself. So what is held beside input and output is a few rows, however long the input is.
struct Resampler {
    private let columns: ResampleAxis
    private let rows: ResampleAxis
    private let columnWindow: Range<Int>
    private let isGrey: Bool

    /// Does the vertical pass come first? The rounding between the passes makes it matter.
    private let isVerticalFirst: Bool

    /// - Parameter rowWindow: with `columnWindow`, the part of the resized picture that is wanted.
    /// - Parameter isGrey: is a picture of three channels turned grey before it is resized?
    init(
        from input: (height: Int, width: Int), to output: (height: Int, width: Int), rowWindow: Range<Int>,
        columnWindow: Range<Int>, isGrey: Bool
    ) {
        columns = ResampleAxis(inputLength: input.width, outputLength: output.width, window: columnWindow)
        rows = ResampleAxis(inputLength: input.height, outputLength: output.height, window: rowWindow)
        self.columnWindow = columnWindow
        self.isGrey = isGrey
        // From version 13 on Pillow goes down first where that takes away far more rows than columns.
        isVerticalFirst = input.height - output.height > 2 * max(0, input.width - output.width)
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
        let rowByteCount = (isVerticalFirst ? image.width : columnWindow.count) * channels
        // Sums of the output rows in progress, in a ring; and a row between the passes.
        let ringCount = rowsInProgress
        let ring = UnsafeMutablePointer<Int32>.allocate(capacity: ringCount * rowByteCount)
        ring.initialize(repeating: RESIZE_HALF, count: ringCount * rowByteCount)
        let middle = UnsafeMutablePointer<UInt8>.allocate(capacity: rowByteCount)
        let grey = UnsafeMutablePointer<UInt8>.allocate(capacity: image.width)
        defer {
            ring.deallocate()
            middle.deallocate()
            grey.deallocate()
        }
        image.pixels.withUnsafeBufferPointer { pixels in
            guard let pixels = pixels.baseAddress else { return }
            var (oldest, next) = (0, 0)
            for y in Int(firstRow)..<Int(lastRow + lastCount) {
                var row = pixels + y * image.width * image.channelCount
                if turnsGrey {
                    resize_grey_row(row, grey, image.width)
                    row = UnsafePointer(grey)
                }
                if !isVerticalFirst {
                    resampleColumns(of: row, channels: channels, to: middle)
                    row = UnsafePointer(middle)
                }
                while next < rows.starts.count, Int(rows.starts[next]) <= y { next += 1 }
                for index in oldest..<next {
                    let sums = ring + index % ringCount * rowByteCount
                    let start = Int(rows.starts[index])
                    resize_accumulate(sums, row, rows.weights[index * rows.stride + y - start], rowByteCount)
                    guard y + 1 == start + Int(rows.counts[index]) else { continue }
                    oldest = index + 1
                    let outputRow = output + index * outputStride
                    if isVerticalFirst {
                        resize_finish(sums, middle, rowByteCount)
                        resampleColumns(of: UnsafePointer(middle), channels: channels, to: outputRow)
                    } else {
                        resize_finish(sums, outputRow, rowByteCount)
                    }
                }
            }
        }
    }

    /// One row through the horizontal pass, cut to the window.
    private func resampleColumns(
        of row: UnsafePointer<UInt8>, channels: Int, to output: UnsafeMutablePointer<UInt8>
    ) {
        if columns.isIdentity {
            output.update(from: row + columnWindow.lowerBound * channels, count: columnWindow.count * channels)
        } else {
            resize_row(
                row, Int32(channels), columns.starts, columns.counts, columns.weights, columns.stride, output,
                columnWindow.count)
        }
    }

    /// The most output rows that are begun before the oldest of them is done.
    private var rowsInProgress: Int {
        var (oldest, most) = (0, 1)
        for row in rows.starts.indices {
            while rows.starts[oldest] + rows.counts[oldest] <= rows.starts[row] { oldest += 1 }
            most = max(most, row - oldest + 1)
        }
        return most
    }
}
