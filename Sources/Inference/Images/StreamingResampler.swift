import CKernels

/// A picture that is being resampled: takes its rows from top to bottom, some at a time, and writes the result's bytes.
///
/// Each row goes through both passes as it comes: it is added to the sums of the few output rows that it touches, before
/// or after it is resampled itself. So what is held beside input and output is a few rows, however long the input is.
struct Resampling: ~Copyable {
    private let resampler: Resampler
    private let columns: ResampleColumns
    private let turnsGrey: Bool
    private let swapsRedAndBlue: Bool
    /// Of the resampled picture: 1 or 3.
    private let channels: Int
    /// Of the rows that come. Units: pixels.
    private let inputWidth: Int

    private let output: UnsafeMutablePointer<UInt8>
    private let outputStride: Int

    /// Bytes of a row between the passes, and from one such row to the next.
    private let middleByteCount: Int
    private let middleStride: Int
    /// Sums of the output rows in progress, in a ring.
    private let sums: UnsafeMutablePointer<Int32>
    private let sumsCount: Int
    /// Rows between the passes, rows turned grey, and one finished row.
    private let middle: UnsafeMutablePointer<UInt8>
    private let grey: UnsafeMutablePointer<UInt8>
    private let greyStride: Int
    private let line: UnsafeMutablePointer<UInt8>

    /// The first output row that is not done, and the next input row.
    private var oldest = 0
    private var y: Int

    /// The most rows that are taken at once: libjpeg makes sixteen at a time of the usual photo.
    static let bandRowCount = 16

    /// - Parameters:
    ///   - inputColumns: what the rows that come have of each stored row; at least ``Resampler/columns``' inputs.
    ///   - isGrey: is a picture of three channels turned grey before it is resized?
    ///   - swapsRedAndBlue: does the result have blue first?
    ///   - output: the place of the window's first pixel; one byte a pixel for a grey result, else three.
    init(
        _ resampler: Resampler, inputColumns: Range<Int>, inputChannels: Int, isGrey: Bool, swapsRedAndBlue: Bool,
        to output: UnsafeMutablePointer<UInt8>, outputStride: Int
    ) {
        self.resampler = resampler
        self.swapsRedAndBlue = swapsRedAndBlue
        self.output = output
        self.outputStride = outputStride
        turnsGrey = isGrey && inputChannels == 3
        channels = isGrey ? 1 : inputChannels
        inputWidth = inputColumns.count
        columns = ResampleColumns(resampler.columns, firstInput: inputColumns.lowerBound)
        y = resampler.rows.inputs.lowerBound

        let slack = Int(RESIZE_SLACK)
        middleByteCount = (resampler.isColumnsFirst ? columns.outputCount : inputWidth) * channels
        middleStride = middleByteCount + slack
        greyStride = inputWidth + slack
        sumsCount = resampler.rows.outputsInProgress
        sums = .allocate(capacity: sumsCount * middleByteCount)
        sums.initialize(repeating: Int32(RESIZE_HALF), count: sumsCount * middleByteCount)
        let middleCount = resampler.isColumnsFirst ? Self.bandRowCount * middleStride : middleStride
        middle = .allocate(capacity: middleCount)
        grey = .allocate(capacity: turnsGrey ? Self.bandRowCount * greyStride : 1)
        line = .allocate(capacity: columns.outputCount * channels + slack)
    }

    deinit {
        sums.deallocate()
        middle.deallocate()
        grey.deallocate()
        line.deallocate()
    }

    /// Takes the next rows, at most ``bandRowCount``. Behind each of them `RESIZE_SLACK` bytes may be read.
    mutating func add(_ rows: UnsafePointer<UInt8>, stride: Int, rowCount: Int) {
        precondition(rowCount <= Self.bandRowCount, "\(rowCount) rows at once, not \(Self.bandRowCount)")
        var (rows, stride) = (rows, stride)
        if turnsGrey {
            for row in 0..<rowCount { resize_grey_row(rows + row * stride, grey + row * greyStride, inputWidth) }
            (rows, stride) = (UnsafePointer(grey), greyStride)
        }
        if resampler.isColumnsFirst {
            columns.resample(
                rows, stride: stride, rowCount: rowCount, channels: channels, swapsRedAndBlue: swapsRedAndBlue,
                to: middle, outputStride: middleStride)
            (rows, stride) = (UnsafePointer(middle), middleStride)
        }
        addDown(rows, stride: stride, rowCount: rowCount)
        y += rowCount
    }

    /// Takes all rows of a picture that lies in memory.
    ///
    /// - Parameters:
    ///   - pixels: from the picture's first pixel to the end of what may be read.
    ///   - rows: those that the result needs.
    mutating func addAll(_ pixels: UnsafeBufferPointer<UInt8>, stride: Int, rows: Range<Int>) {
        guard let start = pixels.baseAddress else { return }
        let rowByteCount = inputWidth * (turnsGrey ? 3 : channels)
        for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: Self.bandRowCount) {
            let count = min(Self.bandRowCount, rows.upperBound - first)
            let byteCount = (count - 1) * stride + rowByteCount
            let slack = Int(RESIZE_SLACK)
            if first * stride + byteCount + slack <= pixels.count {
                add(start + first * stride, stride: stride, rowCount: count)
            } else {
                // What lies behind the last rows is not ours to read.
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount + slack) { band in
                    guard let band = band.baseAddress else { return }
                    band.update(from: start + first * stride, count: byteCount)
                    (band + byteCount).update(repeating: 0, count: slack)
                    add(band, stride: stride, rowCount: count)
                }
            }
        }
    }

    /// Adds rows to the sums of the output rows that they touch, and writes those that are done.
    private mutating func addDown(_ rows: UnsafePointer<UInt8>, stride: Int, rowCount: Int) {
        let axis = resampler.rows
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

    /// Writes one output row of the stored picture.
    private func finish(_ index: Int, _ sums: UnsafeMutablePointer<Int32>) {
        if resampler.isColumnsFirst {
            resize_finish(sums, line, middleByteCount)
        } else {
            resize_finish(sums, middle, middleByteCount)
            columns.resample(
                middle, stride: middleStride, rowCount: 1, channels: channels, swapsRedAndBlue: swapsRedAndBlue,
                to: line, outputStride: 0)
        }
        let placement = resampler.placement
        let count = columns.outputCount
        if placement.isPlain {
            (output + index * outputStride).update(from: line, count: count * channels)
            return
        }
        let (isRowReversed, isColumnReversed) =
            placement.swapsSides
            ? (placement.reversesColumns, placement.reversesRows) : (placement.reversesRows, placement.reversesColumns)
        let place = isRowReversed ? resampler.rows.outputCount - 1 - index : index
        let step = placement.swapsSides ? outputStride : channels
        var pixel = output + place * (placement.swapsSides ? channels : outputStride)
        if isColumnReversed { pixel += (count - 1) * step }
        for column in 0..<count {
            for channel in 0..<channels { pixel[channel] = line[column * channels + channel] }
            pixel += isColumnReversed ? -step : step
        }
    }
}
