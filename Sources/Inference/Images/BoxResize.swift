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
