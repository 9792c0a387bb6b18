import CKernels
import Inference

/// What of an image the network sees: a part of it, the size the part gets, and the window of that.
struct ResizedCrop: Equatable {
    /// With `columns`, the part. It need not begin with a whole pixel, and may reach over the edges. Units: pixels.
    var rows: Range<Double>
    var columns: Range<Double>
    /// What the part becomes. Units: pixels.
    var height: Int
    var width: Int
    /// With `columnWindow`, what the network sees of that.
    var rowWindow: Range<Int>
    var columnWindow: Range<Int>

    /// A part that becomes the network's input.
    init(rows: Range<Double>, columns: Range<Double>, height: Int, width: Int) {
        (self.rows, self.columns, self.height, self.width) = (rows, columns, height, width)
        (rowWindow, columnWindow) = (0..<height, 0..<width)
    }

    /// A window of the whole image resized.
    init(
        wholeOf image: PixelImage, height: Int, width: Int, rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        rows = 0..<Double(image.height)
        columns = 0..<Double(image.width)
        (self.height, self.width) = (height, width)
        (self.rowWindow, self.columnWindow) = (rowWindow, columnWindow)
    }

    /// The whole pixels that the part touches.
    private var hull: (rows: Range<Int>, columns: Range<Int>) {
        (
            Int(rows.lowerBound.rounded(.down))..<Int(rows.upperBound.rounded(.up)),
            Int(columns.lowerBound.rounded(.down))..<Int(columns.upperBound.rounded(.up))
        )
    }

    /// Has the network's input at least as many pixels as the part?
    var enlarges: Bool { hull.rows.count * hull.columns.count <= rowWindow.count * columnWindow.count }

    /// Does the part reach over the image's edges?
    func overflows(_ image: PixelImage) -> Bool {
        hull.rows.lowerBound < 0 || hull.columns.lowerBound < 0 || hull.rows.upperBound > image.height
            || hull.columns.upperBound > image.width
    }

    /// Cuts the hull out of an image, and puts the border's colour where the image does not reach.
    func hull(of image: PixelImage) -> Raster {
        let (rows, columns) = hull
        let channels = image.channelCount
        let raster = Raster(height: rows.count, width: columns.count, channelCount: channels)
        let border = overflows(image) ? image.borderColour : []
        let filled = border.isEmpty ? [] : columns.flatMap { _ in border }
        image.pixels.withUnsafeBufferPointer { pixels in
            guard let source = pixels.baseAddress, let target = raster.pixels.baseAddress else { return }
            let inner = columns.clamped(to: 0..<image.width)
            for (line, row) in rows.enumerated() {
                let output = target + line * columns.count * channels
                let isInside = (0..<image.height).contains(row)
                if !isInside || inner.count < columns.count {
                    filled.withUnsafeBufferPointer {
                        _ = UnsafeMutableBufferPointer(start: output, count: $0.count).update(fromContentsOf: $0)
                    }
                }
                if isInside {
                    (output + (inner.lowerBound - columns.lowerBound) * channels).update(
                        from: source + (row * image.width + inner.lowerBound) * channels,
                        count: inner.count * channels)
                }
            }
        }
        return raster
    }

    /// This part in its hull.
    var inHull: ResizedCrop {
        var part = self
        let (rows, columns) = (Double(hull.rows.lowerBound), Double(hull.columns.lowerBound))
        part.rows = self.rows.lowerBound - rows..<self.rows.upperBound - rows
        part.columns = self.columns.lowerBound - columns..<self.columns.upperBound - columns
        return part
    }

    /// The part resized where it lies.
    ///
    /// - Precondition: it does not overflow the image.
    func resized(_ image: PixelImage, turnsGrey: Bool) -> Raster {
        let (rows, columns) = hull
        let channels = image.channelCount
        let result = Raster(
            height: rowWindow.count, width: columnWindow.count, channelCount: turnsGrey ? 1 : channels)
        guard let output = result.pixels.baseAddress else { return result }
        let resize = inHull.resize(from: (rows.count, columns.count))
        image.pixels.withUnsafeBufferPointer { pixels in
            let start = (rows.lowerBound * image.width + columns.lowerBound) * channels
            resize(
                UnsafeBufferPointer(rebasing: pixels[start...]), stride: image.width * channels,
                width: columns.count, channelCount: channels, turnsGrey: turnsGrey, to: output)
        }
        return result
    }

    /// How an image of this size is resized.
    func resize(from input: (height: Int, width: Int)) -> BoxResize {
        BoxResize(
            from: input, rows: rows, columns: columns, to: (height, width), rowWindow: rowWindow,
            columnWindow: columnWindow)
    }
}

extension PixelImage {
    /// The median of the pixels along the edges, channel by channel: a product's background, if it has one.
    var borderColour: [UInt8] {
        (0..<channelCount).map { channel in
            var counts = [Int](repeating: 0, count: 256)
            var total = 0
            func add(_ row: Int, _ column: Int) {
                counts[Int(pixels[(row * width + column) * channelCount + channel])] += 1
                total += 1
            }
            for column in 0..<width {
                add(0, column)
                add(height - 1, column)
            }
            for row in 0..<height {
                add(row, 0)
                add(row, width - 1)
            }
            var below = 0
            return UInt8(
                counts.firstIndex { count in
                    below += count
                    return 2 * below >= total
                } ?? 0)
        }
    }
}
