/// How a picture is resized to the bit as Pillow's `resize(size, BILINEAR)` does it, and a window cut out of the result.
///
/// Pillow resamples the whole picture along one axis, rounds to bytes, then along the other. Here the rows of the file go
/// through both as they come (``Resampling``). A picture that is stored turned or mirrored is not put upright first:
/// its axes change places or run backwards instead.
struct Resampler {
    /// The axis along the stored rows, and the one across them.
    let columns: ResampleAxis
    let rows: ResampleAxis

    /// Does the pass along the stored rows come first? The rounding between the passes makes it matter.
    let isColumnsFirst: Bool

    /// Where stored column `column` and row `row` of the result stand in the upright window.
    let placement: Placement

    /// The result's size: the upright window's. Units: pixels.
    let outputHeight: Int
    let outputWidth: Int

    /// From a stored picture's places to an upright one's.
    struct Placement {
        let swapsSides: Bool
        /// Do the upright columns or rows run against the stored ones?
        let reversesColumns: Bool
        let reversesRows: Bool

        /// Does the result lie as it is stored?
        var isPlain: Bool { !swapsSides && !reversesColumns && !reversesRows }

        init(_ orientation: Orientation) {
            swapsSides = orientation.swapsSides
            switch orientation {
            case .upright, .transposed: (reversesColumns, reversesRows) = (false, false)
            case .mirrored, .turnedLeft: (reversesColumns, reversesRows) = (true, false)
            case .flipped, .turnedRight: (reversesColumns, reversesRows) = (false, true)
            case .upsideDown, .transversed: (reversesColumns, reversesRows) = (true, true)
            }
        }
    }

    /// - Parameters:
    ///   - input: the stored picture.
    ///   - span: how much of its height and width the output stands for, from the first row and column on; nil for all.
    ///   - output: the upright picture's size.
    ///   - rowWindow: with `columnWindow`, the part of the upright result that is wanted.
    init(
        from input: (height: Int, width: Int), span: (height: Double, width: Double)? = nil,
        orientation: Orientation = .upright, to output: (height: Int, width: Int), rowWindow: Range<Int>,
        columnWindow: Range<Int>
    ) {
        let placement = Placement(orientation)
        let swaps = placement.swapsSides
        let upright = swaps ? (height: input.width, width: input.height) : input
        var (height, width) = span ?? (Double(input.height), Double(input.width))
        if swaps { swap(&height, &width) }
        let across = ResampleAxis(
            inputLength: upright.width,
            span: Self.span(width, of: upright.width, isReversed: placement.reversesColumns),
            outputLength: output.width, window: columnWindow)
        let down = ResampleAxis(
            inputLength: upright.height,
            span: Self.span(height, of: upright.height, isReversed: placement.reversesRows),
            outputLength: output.height, window: rowWindow)
        let columns = placement.reversesColumns ? across.mirrored(inputLength: upright.width) : across
        let rows = placement.reversesRows ? down.mirrored(inputLength: upright.height) : down
        (self.columns, self.rows) = swaps ? (rows, columns) : (columns, rows)
        // From version 13 on Pillow goes down first where that takes away far more rows than columns.
        let isVerticalFirst = upright.height - output.height > 2 * max(0, upright.width - output.width)
        isColumnsFirst = isVerticalFirst == swaps
        self.placement = placement
        outputHeight = rowWindow.count
        outputWidth = columnWindow.count
    }

    /// Resamples a part of an upright picture that need not begin or end with a whole pixel, as Pillow's `resize(box=…)`.
    ///
    /// - Parameters:
    ///   - rows: with `columns`, what the output stands for.
    ///   - rowWindow: with `columnWindow`, the part of the output that is wanted.
    init(
        from input: (height: Int, width: Int), rows: Range<Double>, columns: Range<Double>,
        to output: (height: Int, width: Int), rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        self.columns = ResampleAxis(
            inputLength: input.width, span: columns, outputLength: output.width, window: columnWindow)
        self.rows = ResampleAxis(
            inputLength: input.height, span: rows, outputLength: output.height, window: rowWindow)
        isColumnsFirst = input.height - output.height <= 2 * max(0, input.width - output.width)
        placement = Placement(.upright)
        outputHeight = rowWindow.count
        outputWidth = columnWindow.count
    }

    /// Where a span lies in the upright picture that begins with the stored one's first pixel, or ends with it.
    private static func span(_ span: Double, of length: Int, isReversed: Bool) -> Range<Double> {
        isReversed ? Double(length) - span..<Double(length) : 0..<span
    }
}

/// A part of a picture resized, and a window cut out of the result: what augmentation needs beside ``Preprocessing``.
///
/// The bytes are Pillow's `resize(…, BILINEAR, box=…)`.
package struct BoxResize {
    private let resampler: Resampler

    /// - Parameters:
    ///   - input: the picture's size. Units: pixels.
    ///   - rows: with `columns`, the part of the picture, within it; it need not begin or end with a whole pixel.
    ///   - output: what the part becomes. Units: pixels.
    ///   - rowWindow: with `columnWindow`, what is wanted of that.
    package init(
        from input: (height: Int, width: Int), rows: Range<Double>, columns: Range<Double>,
        to output: (height: Int, width: Int), rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        resampler = Resampler(
            from: input, rows: rows, columns: columns, to: output, rowWindow: rowWindow, columnWindow: columnWindow)
    }

    /// Writes the window, rows without gaps.
    ///
    /// - Parameters:
    ///   - pixels: from the picture's first pixel to the end of what may be read.
    ///   - stride: from one row to the next. Units: bytes.
    ///   - channelCount: of the picture, 1 or 3.
    ///   - turnsGrey: does the result have one channel whatever the picture has?
    package func callAsFunction(
        _ pixels: UnsafeBufferPointer<UInt8>, stride: Int, width: Int, channelCount: Int, turnsGrey: Bool,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        var resampling = Resampling(
            resampler, inputColumns: 0..<width, inputChannels: channelCount, isGrey: turnsGrey,
            swapsRedAndBlue: false, to: output,
            outputStride: resampler.outputWidth * (turnsGrey ? 1 : channelCount))
        resampling.addAll(pixels, stride: stride, rows: resampler.rows.inputs)
    }
}
