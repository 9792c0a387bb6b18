/// The geometry of a resize that equals Pillow's `resize(size, BILINEAR)` bit for bit, followed by a crop.
///
/// The filter is separable. Pillow resamples the whole image along one axis, rounds to bytes, then resamples along the
/// other axis. ``StreamingResampler`` does both passes row by row as the file is decoded. An image with an EXIF
/// orientation is not rotated first: its axes are swapped or reversed instead.
struct ResampleGeometry {
    /// Weights of the horizontal pass, along the stored rows.
    let columns: ResampleWeights

    /// Weights of the vertical pass, across the stored rows.
    let rows: ResampleWeights

    /// Whether the horizontal pass (along the stored rows) comes first. The order matters, because each pass rounds to
    /// bytes.
    let isHorizontalFirst: Bool

    /// How rows and columns of the stored image map to the upright output.
    let placement: Placement

    /// Height of the upright window. Units: pixels.
    let outputHeight: Int

    /// Width of the upright window. Units: pixels.
    let outputWidth: Int

    /// The axis swap and reversals that turn the stored image upright.
    struct Placement {
        /// Whether stored rows become upright columns.
        let swapsSides: Bool
        /// Whether the upright columns run in the opposite direction of the stored ones.
        let reversesColumns: Bool
        /// Whether the upright rows run in the opposite direction of the stored ones.
        let reversesRows: Bool

        /// Whether the stored image is already upright.
        var isIdentity: Bool { !swapsSides && !reversesColumns && !reversesRows }

        init(_ orientation: Orientation) {
            swapsSides = orientation.swapsSides
            switch orientation {
            case .upright, .transpose: (reversesColumns, reversesRows) = (false, false)
            case .flipHorizontal, .rotateClockwise: (reversesColumns, reversesRows) = (true, false)
            case .flipVertical, .rotateCounterclockwise: (reversesColumns, reversesRows) = (false, true)
            case .rotate180, .transverse: (reversesColumns, reversesRows) = (true, true)
            }
        }
    }

    /// Resizes a whole stored image and crops the result.
    ///
    /// - Parameters:
    ///   - input: size of the stored image. Units: pixels.
    ///   - span: the height and width of the input that the output covers, starting at the first row and column; nil
    ///     for the whole image. Units: pixels.
    ///   - output: size of the upright, uncropped result. Units: pixels.
    ///   - rowWindow: with `columnWindow`, the crop of the upright result.
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
        let across = ResampleWeights(
            inputLength: upright.width,
            span: Self.span(width, of: upright.width, isReversed: placement.reversesColumns),
            outputLength: output.width, window: columnWindow)
        let down = ResampleWeights(
            inputLength: upright.height,
            span: Self.span(height, of: upright.height, isReversed: placement.reversesRows),
            outputLength: output.height, window: rowWindow)
        let columns = placement.reversesColumns ? across.mirrored(inputLength: upright.width) : across
        let rows = placement.reversesRows ? down.mirrored(inputLength: upright.height) : down
        (self.columns, self.rows) = swaps ? (rows, columns) : (columns, rows)
        // Pillow 13 and later run the vertical pass first where it removes far more rows than columns.
        let isVerticalFirst = upright.height - output.height > 2 * max(0, upright.width - output.width)
        isHorizontalFirst = isVerticalFirst == swaps
        self.placement = placement
        outputHeight = rowWindow.count
        outputWidth = columnWindow.count
    }

    /// Resizes a box of an upright image and crops the result, as Pillow's `resize(box=…)`.
    ///
    /// - Parameters:
    ///   - rows: with `columns`, the box; its edges may be inside a pixel. Units: pixels.
    ///   - rowWindow: with `columnWindow`, the crop of the result.
    init(
        from input: (height: Int, width: Int), rows: Range<Double>, columns: Range<Double>,
        to output: (height: Int, width: Int), rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        self.columns = ResampleWeights(
            inputLength: input.width, span: columns, outputLength: output.width, window: columnWindow)
        self.rows = ResampleWeights(
            inputLength: input.height, span: rows, outputLength: output.height, window: rowWindow)
        isHorizontalFirst = input.height - output.height <= 2 * max(0, input.width - output.width)
        placement = Placement(.upright)
        outputHeight = rowWindow.count
        outputWidth = columnWindow.count
    }

    /// The span's range on the upright axis. The span starts at the stored image's first pixel, which is the last one
    /// on a reversed axis.
    private static func span(_ span: Double, of length: Int, isReversed: Bool) -> Range<Double> {
        isReversed ? Double(length) - span..<Double(length) : 0..<span
    }
}

/// Resizes a box of an image and crops the result, for augmentation.
///
/// The bytes equal those of Pillow's `resize(…, BILINEAR, box=…)`.
package struct BoxResize {
    private let geometry: ResampleGeometry

    /// Prepares the resize of one box.
    ///
    /// - Parameters:
    ///   - input: size of the image. Units: pixels.
    ///   - rows: with `columns`, the box within the image; its edges may be inside a pixel. Units: pixels.
    ///   - output: size that the box is resized to. Units: pixels.
    ///   - rowWindow: with `columnWindow`, the crop of the resized box.
    package init(
        from input: (height: Int, width: Int), rows: Range<Double>, columns: Range<Double>,
        to output: (height: Int, width: Int), rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        geometry = ResampleGeometry(
            from: input, rows: rows, columns: columns, to: output, rowWindow: rowWindow, columnWindow: columnWindow)
    }

    /// Writes the crop with contiguous rows.
    ///
    /// - Parameters:
    ///   - pixels: the image's bytes, from its first pixel to the end of readable memory.
    ///   - stride: distance between rows. Units: bytes.
    ///   - width: the image's width. Units: pixels.
    ///   - channelCount: the image's channels, 1 or 3.
    ///   - turnsGrey: whether the result has one grey channel, whatever the image's channels are.
    package func callAsFunction(
        _ pixels: UnsafeBufferPointer<UInt8>, stride: Int, width: Int, channelCount: Int, turnsGrey: Bool,
        to output: UnsafeMutablePointer<UInt8>
    ) {
        var resampler = StreamingResampler(
            geometry, inputColumns: 0..<width, inputChannels: channelCount, isGrey: turnsGrey,
            swapsRedAndBlue: false, to: output,
            outputStride: geometry.outputWidth * (turnsGrey ? 1 : channelCount))
        resampler.addAll(pixels, stride: stride, rows: geometry.rows.inputs)
    }
}
