import CKernels

/// A file's bytes to red, green and blue, as Pillow's `ImageOps.exif_transpose(Image.open(f)).convert("RGB")` has them.
///
/// Baseline and progressive JPEG (grey, YCbCr, RGB, CMYK and YCCK), PNG of every colour type, depth and interlacing, WebP
/// (of moving images the first frame). Transparency is dropped, not blended; colour profiles are not applied.
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

    /// Does the camera's orientation turn and mirror the image?
    public let appliesOrientation: Bool

    /// How much of an image is decoded for a network's input.
    public let mode: DecodeMode

    /// Lends networks' inputs their memory.
    let inputs: BufferPool

    /// Takes the limits.
    ///
    /// - Parameter keptInputs: for how many networks' inputs memory is kept between images.
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
    /// - Throws: ``ImageError`` for everything that is not one whole image within the limits.
    public func callAsFunction(_ bytes: [UInt8]) throws(ImageError) -> PixelImage {
        let format = try ImageFormat(signatureOf: bytes[...])
        let image = try bytes.withUnsafeBufferPointer { bytes throws(ImageError) in
            var reader = try ImageReader(bytes, format: format, byteLimit: maxHeldBytes ?? 0)
            try check(reader)
            return try whole(&reader)
        }
        return appliesOrientation ? Orientation(in: bytes[...], format: format).applied(to: image) : image
    }

    /// Holds an image's header to the limits.
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

extension ImageDecoder {
    /// What the way from a file to a network's input took.
    public struct Timing: Sendable, Equatable {
        /// The codec: from the file's bytes to pixels.
        public var decoding = Duration.zero

        /// All else: resizing, cropping, normalising.
        public var preprocessing = Duration.zero

        /// Nothing yet.
        public init() {}
    }

    /// The network's input for a JPEG, PNG or WebP file, to the last bit what ``decode(_:)`` and the preprocessing of the
    /// whole image give where the mode is ``DecodeMode/exact``.
    ///
    /// Rows go from the codec to the resizer some at a time, and where the codec can leave out what is not under the crop
    /// it does: the whole image is never in memory, but for WebP and interlaced PNG.
    ///
    /// Shape: ``Preprocessing/tensorShape``.
    /// - Parameters:
    ///   - announced: the pixels that the file's header was counted with, 0 where it was not found: a file that turns out to
    ///     have more is refused. Nil where nobody counted.
    ///   - timing: what it took is added to this.
    ///   - shouldStop: asked every few milliseconds, on this thread; true ends it with ``ImageError/stopped``.
    /// - Throws: ``ImageError`` for everything that is not one whole image within the limits.
    public func input(
        _ bytes: ArraySlice<UInt8>, for preprocessing: Preprocessing, announced: Int? = nil, timing: inout Timing,
        shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) -> Tensor {
        try Tensor(preprocessing.tensorShape, from: inputs) { output throws(ImageError) in
            try write(
                bytes, for: preprocessing, announced: announced, into: output, timing: &timing, shouldStop: shouldStop)
        }
    }

    /// The same for a whole array, where nobody asks what it took.
    public func input(_ bytes: [UInt8], for preprocessing: Preprocessing) throws(ImageError) -> Tensor {
        var timing = Timing()
        return try input(bytes[...], for: preprocessing, timing: &timing)
    }

    /// The same into memory of the caller's.
    ///
    /// - Parameter output: at least as many scalars as ``Preprocessing/tensorShape`` has; the first ones are written, unless
    ///   an error is thrown.
    public func write(
        _ bytes: ArraySlice<UInt8>, for preprocessing: Preprocessing, announced: Int? = nil,
        into output: UnsafeMutableBufferPointer<Float>, timing: inout Timing, shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) {
        let format = try ImageFormat(signatureOf: bytes)
        try bytes.withUnsafeBufferPointer { buffer throws(ImageError) in
            var clock = Stopwatch()
            var reader = try ImageReader(buffer, format: format, byteLimit: maxHeldBytes ?? 0, shouldStop: shouldStop)
            try check(reader)
            if let announced, reader.width * reader.height > announced {
                throw .corrupt(format: format, reason: "its header comes too late or is there twice")
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

    /// Leads the rows from the codec through the resizer, band by band.
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

/// Tells one step's time from the next one's.
private struct Stopwatch {
    private var last = ContinuousClock.now

    /// The time since the last call.
    mutating func lap() -> Duration {
        let now = ContinuousClock.now
        defer { last = now }
        return now - last
    }
}

/// How much of an image is decoded before it is resized.
public enum DecodeMode: String, Sendable, CaseIterable, Codable {
    /// Every pixel under the crop, as Pillow does: the same input to the last bit.
    case exact

    /// A large JPEG at a half, a quarter or an eighth of its size, as the codec's transform gives it for less work.
    case scaled

    /// How many times longer than the resized image's side the decoded image's is at least, where it is scaled.
    static let gap = 2

    /// What a decoder that can scale divides both sides by: the largest of 8, 4 and 2 that keeps the gap, or 1.
    ///
    /// - Source: Pillow, `Image.thumbnail(reducing_gap=2.0)` and `JpegImageFile.draft`
    func denominator(from input: (height: Int, width: Int), to output: (height: Int, width: Int)) -> Int {
        guard self == .scaled else { return 1 }
        let scale = min(input.width / (output.width * Self.gap), input.height / (output.height * Self.gap))
        return [8, 4, 2].first { $0 <= scale } ?? 1
    }
}
