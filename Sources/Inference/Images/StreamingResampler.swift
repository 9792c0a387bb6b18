import CKernels

/// Resamples an image while it is decoded: it takes rows from top to bottom, a band at a time, and writes the output
/// bytes.
///
/// Each input row goes through the horizontal pass and is accumulated into the few output rows whose filter covers it.
/// The geometry may swap the order of the two passes. Memory is therefore bounded by a few rows, whatever the image's
/// height.
struct StreamingResampler: ~Copyable {
    private let geometry: ResampleGeometry
    private let columns: HorizontalPass
    private let convertsToGrey: Bool
    private let swapsRedAndBlue: Bool
    /// Channels of the output: 1 or 3.
    private let channels: Int
    /// Width of the incoming rows. Units: pixels.
    private let inputWidth: Int

    private let output: UnsafeMutablePointer<UInt8>
    private let outputStride: Int

    /// The size of a row between the two passes. Units: bytes.
    private let middleByteCount: Int
    /// The distance between two rows between the passes. Units: bytes.
    private let middleStride: Int
    /// A ring buffer of accumulators, for the output rows in progress.
    private let sums: UnsafeMutablePointer<Int32>
    private let sumsCount: Int
    /// The rows between the two passes.
    private let middle: UnsafeMutablePointer<UInt8>
    /// The input rows, converted to grey.
    private let grey: UnsafeMutablePointer<UInt8>
    private let greyStride: Int
    /// A single finished output row.
    private let line: UnsafeMutablePointer<UInt8>

    /// The index of the first unfinished output row.
    private var oldest = 0
    /// The index of the next input row.
    private var y: Int

    /// The most rows in a band. libjpeg decodes sixteen at a time from a typical photo (4:2:0 chroma subsampling).
    static let bandRowCount = 16

    /// Allocates the buffers; ``add(_:stride:rowCount:)`` then takes the rows.
    ///
    /// - Parameters:
    ///   - inputColumns: the stored columns of incoming rows; they contain the inputs of ``ResampleGeometry/columns``.
    ///   - isGrey: whether the output is grey. An input with three channels is then converted before the resize.
    ///   - swapsRedAndBlue: whether the output is BGR.
    ///   - output: the memory of the window's first pixel: one byte per pixel for grey output, else three.
    init(
        _ geometry: ResampleGeometry, inputColumns: Range<Int>, inputChannels: Int, isGrey: Bool, swapsRedAndBlue: Bool,
        to output: UnsafeMutablePointer<UInt8>, outputStride: Int
    ) {
        self.geometry = geometry
        self.swapsRedAndBlue = swapsRedAndBlue
        self.output = output
        self.outputStride = outputStride
        convertsToGrey = isGrey && inputChannels == 3
        channels = isGrey ? 1 : inputChannels
        inputWidth = inputColumns.count
        columns = HorizontalPass(geometry.columns, firstInput: inputColumns.lowerBound)
        y = geometry.rows.inputs.lowerBound

        let slack = Int(RESIZE_SLACK)
        middleByteCount = (geometry.isHorizontalFirst ? columns.outputCount : inputWidth) * channels
        middleStride = middleByteCount + slack
        greyStride = inputWidth + slack
        sumsCount = geometry.rows.maxOutputsInProgress
        sums = .allocate(capacity: sumsCount * middleByteCount)
        sums.initialize(repeating: Int32(RESIZE_HALF), count: sumsCount * middleByteCount)
        let middleCount = geometry.isHorizontalFirst ? Self.bandRowCount * middleStride : middleStride
        middle = .allocate(capacity: middleCount)
        grey = .allocate(capacity: convertsToGrey ? Self.bandRowCount * greyStride : 1)
        line = .allocate(capacity: columns.outputCount * channels + slack)
    }

    deinit {
        sums.deallocate()
        middle.deallocate()
        grey.deallocate()
        line.deallocate()
    }

    /// Takes the next rows, at most ``bandRowCount``. Up to `RESIZE_SLACK` bytes past each row are read.
    mutating func add(_ rows: UnsafePointer<UInt8>, stride: Int, rowCount: Int) {
        precondition(rowCount <= Self.bandRowCount, "\(rowCount) rows at once, not \(Self.bandRowCount)")
        var (rows, stride) = (rows, stride)
        if convertsToGrey {
            for row in 0..<rowCount { resize_grey_row(rows + row * stride, grey + row * greyStride, inputWidth) }
            (rows, stride) = (UnsafePointer(grey), greyStride)
        }
        if geometry.isHorizontalFirst {
            columns.resample(
                rows, stride: stride, rowCount: rowCount, channels: channels, swapsRedAndBlue: swapsRedAndBlue,
                to: middle, outputStride: middleStride)
            (rows, stride) = (UnsafePointer(middle), middleStride)
        }
        accumulate(rows, stride: stride, rowCount: rowCount)
        y += rowCount
    }

    /// Takes all rows of an image in memory.
    ///
    /// - Parameters:
    ///   - pixels: the image's bytes, from its first pixel to the end of readable memory.
    ///   - rows: the input rows that the output needs.
    mutating func addAll(_ pixels: UnsafeBufferPointer<UInt8>, stride: Int, rows: Range<Int>) {
        guard let start = pixels.baseAddress else { return }
        let rowByteCount = inputWidth * (convertsToGrey ? 3 : channels)
        for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: Self.bandRowCount) {
            let count = min(Self.bandRowCount, rows.upperBound - first)
            let byteCount = (count - 1) * stride + rowByteCount
            let slack = Int(RESIZE_SLACK)
            if first * stride + byteCount + slack <= pixels.count {
                add(start + first * stride, stride: stride, rowCount: count)
            } else {
                // Copied, because the kernels may read past the end of the buffer.
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount + slack) { band in
                    guard let band = band.baseAddress else { return }
                    band.update(from: start + first * stride, count: byteCount)
                    (band + byteCount).update(repeating: 0, count: slack)
                    add(band, stride: stride, rowCount: count)
                }
            }
        }
    }

    /// The vertical pass: accumulates rows into the output rows whose filter covers them, and writes finished ones.
    private mutating func accumulate(_ rows: UnsafePointer<UInt8>, stride: Int, rowCount: Int) {
        let axis = geometry.rows
        axis.weights.withUnsafeBufferPointer { weights in
            for index in oldest..<axis.outputCount {
                let start = Int(axis.starts[index])
                let end = start + Int(axis.counts[index])
                if start >= y + rowCount { break }
                let first = max(start, y)
                let last = min(end, y + rowCount)
                let sums = sums + index % sumsCount * middleByteCount
                if let weights = weights.baseAddress, first < last {
                    resize_accumulate(
                        sums, rows + (first - y) * stride, stride, weights + index * axis.stride + first - start,
                        last - first, middleByteCount)
                }
                if end <= y + rowCount {
                    finish(index, sums)
                    oldest = index + 1
                }
            }
        }
    }

    /// Writes one finished output row to its upright position.
    private func finish(_ index: Int, _ sums: UnsafeMutablePointer<Int32>) {
        if geometry.isHorizontalFirst {
            resize_finish(sums, line, middleByteCount)
        } else {
            resize_finish(sums, middle, middleByteCount)
            columns.resample(
                middle, stride: middleStride, rowCount: 1, channels: channels, swapsRedAndBlue: swapsRedAndBlue,
                to: line, outputStride: 0)
        }
        let placement = geometry.placement
        let count = columns.outputCount
        if placement.isIdentity {
            (output + index * outputStride).update(from: line, count: count * channels)
            return
        }
        let (isRowReversed, isColumnReversed) =
            placement.swapsSides
            ? (placement.reversesColumns, placement.reversesRows) : (placement.reversesRows, placement.reversesColumns)
        let place = isRowReversed ? geometry.rows.outputCount - 1 - index : index
        let step = placement.swapsSides ? outputStride : channels
        var pixel = output + place * (placement.swapsSides ? channels : outputStride)
        if isColumnReversed { pixel += (count - 1) * step }
        for column in 0..<count {
            for channel in 0..<channels { pixel[channel] = line[column * channels + channel] }
            pixel += isColumnReversed ? -step : step
        }
    }
}
