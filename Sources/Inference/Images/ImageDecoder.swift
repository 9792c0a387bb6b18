import CKernels
import Files

/// Decodes JPEG, PNG and WebP files to RGB, as Pillow's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` does.
///
/// Supported are baseline and progressive JPEG (grey, YCbCr, RGB, CMYK and YCCK), PNG of every colour type, bit depth
/// and interlacing, and WebP (the first frame of an animation). Alpha is dropped, not blended; colour profiles are not
/// applied.
///
/// Limits: ``maxPixels`` and ``maxSide`` are checked against the header before any memory is allocated for pixels. The
/// number of scans in a JPEG and the size of text chunks are bounded too.
public struct ImageDecoder: Sendable {
    /// The longest side that is decoded, which is the limit of JPEG's 16-bit fields. It keeps the cost of resizing
    /// proportional to the number of pixels. Units: pixels.
    public static let maxSide = 65_535

    /// The most pixels in one image that is decoded. Units: pixels.
    public let maxPixels: Int

    /// The most working memory of a codec for one file, besides a few rows; nil for no limit. Units: bytes.
    public let maxWorkingBytes: Int?

    /// Whether the EXIF orientation is applied.
    public let appliesOrientation: Bool

    /// Whether large JPEGs may be decoded at reduced size for a network's input; see ``DecodeMode``.
    public let mode: DecodeMode

    /// Reuses the memory of network inputs.
    let inputs: BufferPool

    /// Creates a decoder with the given limits.
    ///
    /// - Parameter keptInputs: the number of freed network inputs that are kept for reuse.
    public init(
        maxPixels: Int = 128_000_000, maxWorkingBytes: Int? = nil, appliesOrientation: Bool = true,
        mode: DecodeMode = .exact, keptInputs: Int = 32
    ) {
        inputs = BufferPool(countLimit: keptInputs)
        self.maxPixels = maxPixels
        self.maxWorkingBytes = maxWorkingBytes
        self.appliesOrientation = appliesOrientation
        self.mode = mode
    }

    /// Decodes a whole JPEG, PNG or WebP file at full size. The file's signature tells the format.
    ///
    /// Shape: three channels.
    /// - Throws: ``ImageError`` unless the file is one complete image within the limits.
    public func callAsFunction(_ bytes: [UInt8]) throws(ImageError) -> PixelImage {
        let format = try ImageFormat(signatureOf: bytes[...])
        let image = try bytes.withUnsafeBufferPointer { bytes throws(ImageError) in
            var reader = try ImageReader(bytes, format: format, byteLimit: maxWorkingBytes ?? 0)
            try check(reader)
            return try whole(&reader)
        }
        return appliesOrientation ? Orientation(in: bytes[...], format: format).applied(to: image) : image
    }

    /// Checks the size in an image's header against the limits.
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

    /// Same as calling the decoder.
    public func decode(_ bytes: [UInt8]) throws(ImageError) -> PixelImage { try self(bytes) }
}

extension ImageDecoder {
    /// The durations of the two stages from file to network input.
    public struct Timing: Sendable, Equatable {
        /// The time in the codec, from the file's bytes to pixels.
        public var decoding = Duration.zero

        /// The time for resizing, cropping and normalising.
        public var preprocessing = Duration.zero

        /// Zero for both stages.
        public init() {}
    }

    /// Decodes and preprocesses a JPEG, PNG or WebP file to a network's input.
    ///
    /// In mode ``DecodeMode/exact`` the result is bit for bit that of ``decode(_:)`` followed by preprocessing. Rows
    /// are streamed from the codec to the resampler in bands, and parts outside the crop are skipped if the codec
    /// supports that. The whole image is therefore never in memory, except for WebP and interlaced PNG.
    ///
    /// Shape: ``Preprocessing/tensorShape``.
    /// - Parameters:
    ///   - announced: the pixel count that ``ImageHeader`` found when the request was admitted, 0 if it found no
    ///     header. A file with more pixels is refused. Nil skips the check.
    ///   - timing: the durations are added to it.
    ///   - shouldStop: called every few milliseconds on this thread; true cancels with ``ImageError/stopped``.
    /// - Throws: ``ImageError`` unless the file is one complete image within the limits.
    public func input(
        _ bytes: ArraySlice<UInt8>, for preprocessing: Preprocessing, announced: Int? = nil, timing: inout Timing,
        shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) -> Tensor {
        try Tensor(preprocessing.tensorShape, from: inputs) { output throws(ImageError) in
            try write(
                bytes, for: preprocessing, announced: announced, into: output, timing: &timing, shouldStop: shouldStop)
        }
    }

    /// The same for a whole array, without timing.
    public func input(_ bytes: [UInt8], for preprocessing: Preprocessing) throws(ImageError) -> Tensor {
        var timing = Timing()
        return try input(bytes[...], for: preprocessing, timing: &timing)
    }

    /// The same, written to the caller's memory.
    ///
    /// - Parameter output: room for at least the scalars of ``Preprocessing/tensorShape``. If an error is thrown, its
    ///   contents are undefined.
    public func write(
        _ bytes: ArraySlice<UInt8>, for preprocessing: Preprocessing, announced: Int? = nil,
        into output: UnsafeMutableBufferPointer<Float>, timing: inout Timing, shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) {
        let format = try ImageFormat(signatureOf: bytes)
        try bytes.withUnsafeBufferPointer { buffer throws(ImageError) in
            var clock = Stopwatch()
            var reader = try ImageReader(
                buffer, format: format, byteLimit: maxWorkingBytes ?? 0, shouldStop: shouldStop)
            try check(reader)
            if let announced, reader.width * reader.height > announced {
                throw .corrupt(format: format, reason: "its header comes too late or appears twice")
            }
            let orientation = appliesOrientation ? Orientation(in: bytes, format: format) : .upright
            let plan = self.plan(for: reader, orientation, preprocessing)
            timing.preprocessing += clock.lap()
            try preprocessing.withBytes(plan.resize) { bytes throws(ImageError) in
                try read(&reader, plan, preprocessing, to: bytes, &clock, &timing)
                preprocessing.normalize(bytes, into: output)
            }
            timing.preprocessing += clock.lap()
        }
    }

    private func plan(
        for reader: borrowing ImageReader, _ orientation: Orientation, _ preprocessing: Preprocessing
    ) -> (resize: ResizePlan, denominator: Int) {
        let (height, width) = (reader.height, reader.width)
        let upright = orientation.swapsSides ? (height: width, width: height) : (height: height, width: width)
        let denominator =
            reader.canScale
            ? mode.denominator(
                from: upright, to: preprocessing.resizedSize(height: upright.height, width: upright.width)) : 1
        let plan = ResizePlan(
            preprocessing, height: height, width: width, orientation: orientation, denominator: denominator)
        return (plan, denominator)
    }

    /// Streams the rows from the codec through the resampler, band by band.
    private func read(
        _ reader: inout ImageReader, _ plan: (resize: ResizePlan, denominator: Int), _ preprocessing: Preprocessing,
        to bytes: UnsafeMutablePointer<UInt8>, _ clock: inout Stopwatch, _ timing: inout Timing
    ) throws(ImageError) {
        let rows = plan.resize.geometry.rows.inputs
        let given = try reader.begin(
            columns: plan.resize.geometry.columns.inputs, rows: rows, denominator: plan.denominator)
        timing.decoding += clock.lap()
        var resampler = plan.resize.begin(
            inputColumns: given, inputChannels: 3, isGrey: preprocessing.colour == .grey,
            swapsRedAndBlue: preprocessing.colour == .bgr, to: bytes)
        let stride = 3 * given.count
        let bandRowCount = StreamingResampler.bandRowCount
        let band = UnsafeMutablePointer<UInt8>.allocate(capacity: bandRowCount * stride + Int(RESIZE_SLACK))
        defer { band.deallocate() }
        for first in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: bandRowCount) {
            let count = min(bandRowCount, rows.upperBound - first)
            timing.preprocessing += clock.lap()
            try reader.read(rowCount: count, to: band, stride: stride)
            timing.decoding += clock.lap()
            resampler.add(band, stride: stride, rowCount: count)
        }
        timing.preprocessing += clock.lap()
        try reader.finish()
        timing.decoding += clock.lap()
    }
}

/// Measures the durations of consecutive steps.
private struct Stopwatch {
    private var last = ContinuousClock.now

    /// The time since the last call.
    mutating func lap() -> Duration {
        let now = ContinuousClock.now
        defer { last = now }
        return now - last
    }
}

/// Whether large JPEGs are decoded at reduced size before they are resized.
public enum DecodeMode: String, Sendable, CaseIterable, Codable {
    /// Full resolution: the same input as Pillow's, bit for bit.
    case exact

    /// DCT scaling: a large JPEG is decoded at 1/2, 1/4 or 1/8 of its size, which is faster and slightly less accurate.
    case scaled

    /// The least size of the scaled image, as a multiple of the resized one; Pillow's `reducing_gap`.
    static let reducingGap = 2

    /// The DCT scaling denominator: the largest of 8, 4 and 2 that keeps ``reducingGap``, else 1.
    ///
    /// - Source: Pillow, `Image.thumbnail(reducing_gap=2.0)` and `JpegImageFile.draft`
    func denominator(from input: (height: Int, width: Int), to output: (height: Int, width: Int)) -> Int {
        guard self == .scaled else { return 1 }
        let scale = min(
            input.width / (output.width * Self.reducingGap), input.height / (output.height * Self.reducingGap))
        return [8, 4, 2].first { $0 <= scale } ?? 1
    }
}
