/// A decoded image with interleaved 8-bit channels. Rows are contiguous, from top to bottom.
///
/// Shape: `pixels` is `[H, W, C]`, C = 1 (grey) or 3 (red, green, blue).
public struct PixelImage: Sendable, Equatable {
    /// Width, at least 1. Units: pixels.
    public let width: Int

    /// Height, at least 1. Units: pixels.
    public let height: Int

    /// 1 (grey) or 3 (RGB).
    public let channelCount: Int

    /// The bytes of all pixels: `width * height * channelCount` of them.
    public let pixels: [UInt8]

    /// Wraps the bytes of an image.
    ///
    /// - Precondition: the sizes are positive and match the number of bytes.
    public init(width: Int, height: Int, channelCount: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "an image has at least one pixel, not \(width)×\(height)")
        precondition(channelCount == 1 || channelCount == 3, "an image has 1 or 3 channels, not \(channelCount)")
        precondition(
            pixels.count == width * height * channelCount,
            "a \(width)×\(height) image of \(channelCount) channels has \(width * height * channelCount) bytes, "
                + "not \(pixels.count)")
        self.width = width
        self.height = height
        self.channelCount = channelCount
        self.pixels = pixels
    }
}

extension PixelImage {
    /// The image with three channels; grey is copied to each.
    var rgb: PixelImage {
        if channelCount == 3 { return self }
        let pixels = [UInt8](unsafeUninitializedCapacity: pixels.count * 3) { output, count in
            for (index, grey) in self.pixels.enumerated() {
                for channel in 0..<3 { output[3 * index + channel] = grey }
            }
            count = self.pixels.count * 3
        }
        return PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
    }
}
