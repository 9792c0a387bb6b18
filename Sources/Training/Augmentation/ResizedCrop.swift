import CKernels
import Inference

/// A crop of an image, its size after resizing, and the window of the result that becomes the network's input.
struct ResizedCrop: Equatable {
    /// With `columns`, the crop. Its edges may be inside a pixel or beyond the image. Units: pixels.
    var rows: Range<Double>
    var columns: Range<Double>
    /// The size after resizing. Units: pixels.
    var height: Int
    var width: Int
    /// With `columnWindow`, the window of the resized crop. Units: pixels.
    var rowWindow: Range<Int>
    var columnWindow: Range<Int>

    /// A crop that is resized to the network's input.
    init(rows: Range<Double>, columns: Range<Double>, height: Int, width: Int) {
        (self.rows, self.columns, self.height, self.width) = (rows, columns, height, width)
        (rowWindow, columnWindow) = (0..<height, 0..<width)
    }

    /// A window of the whole image after resizing.
    init(
        wholeOf image: PixelImage, height: Int, width: Int, rowWindow: Range<Int>, columnWindow: Range<Int>
    ) {
        rows = 0..<Double(image.height)
        columns = 0..<Double(image.width)
        (self.height, self.width) = (height, width)
        (self.rowWindow, self.columnWindow) = (rowWindow, columnWindow)
    }

    /// The bounding box of the crop in whole pixels.
    private var boundingBox: (rows: Range<Int>, columns: Range<Int>) {
        (
            Int(rows.lowerBound.rounded(.down))..<Int(rows.upperBound.rounded(.up)),
            Int(columns.lowerBound.rounded(.down))..<Int(columns.upperBound.rounded(.up))
        )
    }

    /// Whether the network's input has at least as many pixels as the crop.
    var enlarges: Bool { boundingBox.rows.count * boundingBox.columns.count <= rowWindow.count * columnWindow.count }

    /// Whether the crop extends beyond the image.
    func overflows(_ image: PixelImage) -> Bool {
        boundingBox.rows.lowerBound < 0 || boundingBox.columns.lowerBound < 0
            || boundingBox.rows.upperBound > image.height
            || boundingBox.columns.upperBound > image.width
    }

    /// Copies the bounding box out of an image. Pixels outside the image get the colour of its border.
    func pixels(of image: PixelImage) -> Raster {
        let (rows, columns) = boundingBox
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

    /// This crop in the coordinates of its bounding box.
    var inBoundingBox: ResizedCrop {
        var part = self
        let (rows, columns) = (Double(boundingBox.rows.lowerBound), Double(boundingBox.columns.lowerBound))
        part.rows = self.rows.lowerBound - rows..<self.rows.upperBound - rows
        part.columns = self.columns.lowerBound - columns..<self.columns.upperBound - columns
        return part
    }

    /// Crops and resizes an image without a copy.
    ///
    /// - Precondition: the crop does not extend beyond the image.
    func resized(_ image: PixelImage, turnsGrey: Bool) -> Raster {
        let (rows, columns) = boundingBox
        let channels = image.channelCount
        let result = Raster(
            height: rowWindow.count, width: columnWindow.count, channelCount: turnsGrey ? 1 : channels)
        guard let output = result.pixels.baseAddress else { return result }
        let resize = inBoundingBox.resize(from: (rows.count, columns.count))
        image.pixels.withUnsafeBufferPointer { pixels in
            let start = (rows.lowerBound * image.width + columns.lowerBound) * channels
            resize(
                UnsafeBufferPointer(rebasing: pixels[start...]), stride: image.width * channels,
                width: columns.count, channelCount: channels, turnsGrey: turnsGrey, to: output)
        }
        return result
    }

    /// The resize of this crop, for an image of this size.
    func resize(from input: (height: Int, width: Int)) -> BoxResize {
        BoxResize(
            from: input, rows: rows, columns: columns, to: (height, width), rowWindow: rowWindow,
            columnWindow: columnWindow)
    }
}

extension PixelImage {
    /// The median of the pixels along the edges, by channel: the background's colour, if the image has a background.
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
