import Files

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

    /// What a codec may hold of one file beside rows; nil is no limit. Units: bytes.
    public let maxHeldBytes: Int?

    /// Does the camera's orientation turn and mirror the picture?
    public let appliesOrientation: Bool

    /// How much of a picture is decoded for a network's input.
    public let mode: DecodeMode

    /// Lends networks' inputs their memory.
    let inputs: BufferPool

    /// Takes the limits.
    ///
    /// - Parameter keptInputs: for how many networks' inputs memory is kept between pictures.
    public init(
        maxPixels: Int = 128_000_000, maxHeldBytes: Int? = nil, appliesOrientation: Bool = true,
        mode: DecodeMode = .exact, keptInputs: Int = 32
    ) {
        inputs = BufferPool(countLimit: keptInputs)
        self.maxPixels = maxPixels
        self.maxHeldBytes = maxHeldBytes
        self.appliesOrientation = appliesOrientation
        self.mode = mode
    }

    /// Decodes all of a JPEG, PNG or WebP file, at its full size; the format is told from its first bytes.
    ///
    /// Shape: three channels.
    /// - Throws: ``ImageError`` for everything that is not one whole picture within the limits.
    public func callAsFunction(_ bytes: [UInt8]) throws(ImageError) -> PixelImage {
        let format = try ImageFormat(signatureOf: bytes[...])
        let image = try bytes.withUnsafeBufferPointer { bytes throws(ImageError) in
            var reader = try ImageReader(bytes, format: format, byteLimit: maxHeldBytes ?? 0)
            try check(reader)
            return try whole(&reader)
        }
        return appliesOrientation ? Orientation(in: bytes[...], format: format).applied(to: image) : image
    }

    /// Holds a picture's header to the limits.
    func check(_ reader: borrowing ImageReader) throws(ImageError) {
        let (width, height) = (reader.width, reader.height)
        let (pixelCount, overflow) = width.multipliedReportingOverflow(by: height)
        if overflow || pixelCount > maxPixels || pixelCount > Int.max / 3 {
            throw .tooManyPixels(width: width, height: height, limit: maxPixels)
        }
        if max(width, height) > Self.maxSide {
            throw .sideTooLong(width: width, height: height, limit: Self.maxSide)
        }
    }

    private func whole(_ reader: inout ImageReader) throws(ImageError) -> PixelImage {
        let (width, height) = (reader.width, reader.height)
        _ = try reader.begin(columns: 0..<width, rows: 0..<height)
        var failure: ImageError?
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { output, count in
            guard let output = output.baseAddress else { return }
            do throws(ImageError) {
                try reader.read(rowCount: height, to: output, stride: 3 * width)
                count = width * height * 3
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try reader.finish()
        return PixelImage(width: width, height: height, channelCount: 3, pixels: pixels)
    }

    /// The same by name.
    public func decode(_ bytes: [UInt8]) throws(ImageError) -> PixelImage { try self(bytes) }
}
