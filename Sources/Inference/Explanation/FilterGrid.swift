/// An image of the first layer's filters, arranged in a grid.
///
/// Each filter is scaled to the range from black to white, and enlarged without smoothing. White lines separate the
/// filters.
public struct FilterGrid {
    /// Grey, or RGB where the filters read three channels.
    public let image: PixelImage

    /// Why filters cannot be drawn.
    public struct Unsuitable: Error, CustomStringConvertible {
        /// Completes the sentence "they cannot be drawn: …".
        public let reason: String

        /// A reason to give in place of the image.
        public init(reason: String) { self.reason = reason }

        /// One sentence.
        public var description: String { "The first layer's filters cannot be drawn: \(reason)." }
    }

    /// The most filters, so that the image fits on a screen.
    public static let maxFilterCount = 1024
    /// The largest filter. Units: pixels.
    public static let maxExtent = 256
    /// The least size of a drawn filter; smaller filters are enlarged. Units: pixels.
    private static let shownExtent = 64
    /// The width of the lines. Units: pixels.
    private static let gap = 2

    /// Draws filters.
    ///
    /// - Parameters:
    ///   - filters: `[O, C, KH, KW]`, C = 1 or 3.
    ///   - isBGR: true if the channels are blue, green, red.
    public init(_ filters: Tensor, isBGR: Bool) throws(Unsuitable) {
        let shape = filters.shape
        guard shape.rank == 4, shape[1] == 1 || shape[1] == 3 else {
            throw Unsuitable(reason: "their shape is \(shape), but [O, 1 or 3, KH, KW] is expected")
        }
        guard 1...Self.maxFilterCount ~= shape[0], 1...Self.maxExtent ~= shape[2], 1...Self.maxExtent ~= shape[3] else {
            throw Unsuitable(
                reason:
                    "their shape is \(shape), but at most \(Self.maxFilterCount) of \(Self.maxExtent) pixels a side are drawn"
            )
        }
        let (count, channelCount, height, width) = (shape[0], shape[1], shape[2], shape[3])
        var columns = 1
        while columns * columns < count { columns += 1 }
        let rows = (count + columns - 1) / columns
        let scale = max(1, (Self.shownExtent + max(height, width) - 1) / max(height, width))
        let (cellHeight, cellWidth) = (height * scale + Self.gap, width * scale + Self.gap)
        let (imageHeight, imageWidth) = (rows * cellHeight + Self.gap, columns * cellWidth + Self.gap)
        var pixels = [UInt8](repeating: 255, count: imageHeight * imageWidth * channelCount)
        let scalars = filters.scalars
        let filterCount = channelCount * height * width
        for filter in 0..<count {
            let bytes = Self.stretched(scalars[filter * filterCount..<(filter + 1) * filterCount])
            let top = filter / columns * cellHeight + Self.gap
            let left = filter % columns * cellWidth + Self.gap
            for y in 0..<height * scale {
                for x in 0..<width * scale {
                    let pixel = ((top + y) * imageWidth + left + x) * channelCount
                    for channel in 0..<channelCount {
                        let source = isBGR ? channelCount - 1 - channel : channel
                        pixels[pixel + channel] = bytes[(source * height + y / scale) * width + x / scale]
                    }
                }
            }
        }
        image = PixelImage(width: imageWidth, height: imageHeight, channelCount: channelCount, pixels: pixels)
    }

    /// Scales the smallest number to 0 and the largest to 255. If all are equal, or any is not finite, the result is
    /// mid-grey.
    private static func stretched(_ scalars: ArraySlice<Float>) -> [UInt8] {
        guard let least = scalars.min(), let greatest = scalars.max(), scalars.allSatisfy(\.isFinite), least < greatest
        else { return [UInt8](repeating: 128, count: scalars.count) }
        let range = Double(greatest) - Double(least)
        return scalars.map { UInt8(((Double($0) - Double(least)) / range * 255).rounded()) }
    }
}
