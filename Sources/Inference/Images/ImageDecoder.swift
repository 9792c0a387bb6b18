/// A file's bytes to red, green and blue, as Pillow's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` has them.
///
/// Baseline and progressive JPEG (grey, YCbCr, RGB, CMYK and YCCK), PNG of every colour type, depth and interlacing, WebP
/// (of moving pictures the first frame). Transparency is dropped, not blended; colour profiles are not applied.
///
/// Limits: ``maxPixels`` is checked against the header before anything is allocated for pixels, and a side against
/// ``maxSide``. A JPEG's scans and all text chunks are bounded too.
public struct ImageDecoder: Sendable {
    /// The longest side that is decoded: what JPEG's own 16 bits can say. It keeps the work of resizing in proportion to
    /// the number of pixels.
    public static let maxSide = 65_535

    /// The most pixels that are decoded.
    public let maxPixels: Int

    /// Does the camera's orientation turn and mirror the picture?
    public let appliesOrientation: Bool

    /// Takes the limits.
    public init(maxPixels: Int = 50_000_000, appliesOrientation: Bool = true) {
        self.maxPixels = maxPixels
        self.appliesOrientation = appliesOrientation
    }

    /// Decodes a JPEG, PNG or WebP file; the format is told from its first bytes.
    ///
    /// Shape: three channels.
    /// - Throws: ``ImageError`` for everything that is not one whole picture within the limits.
    public func callAsFunction(_ bytes: [UInt8]) throws(ImageError) -> PixelImage {
        let codec = ImageCodec(format: try ImageFormat(signatureOf: bytes))
        let (width, height) = try codec.size(of: bytes)
        let (pixelCount, overflow) = width.multipliedReportingOverflow(by: height)
        if overflow || pixelCount > maxPixels || pixelCount > Int.max / 3 {
            throw .tooManyPixels(width: width, height: height, limit: maxPixels)
        }
        if max(width, height) > Self.maxSide {
            throw .sideTooLong(width: width, height: height, limit: Self.maxSide)
        }
        let pixels = try codec.pixels(of: bytes, width: width, height: height)
        let image = PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
        return appliesOrientation ? Orientation(in: bytes, format: codec.format).applied(to: image) : image
    }

    /// The same by name.
    public func decode(_ bytes: [UInt8]) throws(ImageError) -> PixelImage { try self(bytes) }
}
