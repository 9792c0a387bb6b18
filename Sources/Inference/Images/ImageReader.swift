import CImageCodecs

/// Decodes a file's scanlines from top to bottom, a band at a time, with the library of its format.
///
/// The file's bytes must outlive the reader.
struct ImageReader: ~Copyable {
    let format: ImageFormat

    /// Width in the header, before DCT scaling. Units: pixels.
    let width: Int

    /// Height in the header, before DCT scaling. Units: pixels.
    let height: Int

    private let handle: OpaquePointer
    private let stopCheck: StopCheck?

    /// Reads the header. No memory for pixels is allocated yet.
    ///
    /// - Parameters:
    ///   - byteLimit: the most memory for a JPEG's DCT coefficients; 0 for no limit. Units: bytes.
    ///   - shouldStop: called every few milliseconds on the decoding thread; true cancels with ``ImageError/stopped``.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, format: ImageFormat, byteLimit: Int = 0, shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) {
        let stopCheck = shouldStop.map(StopCheck.init)
        var control = codec_control()
        control.byte_limit = byteLimit
        if let stopCheck {
            // Unretained: the reader keeps the object alive.
            control.context = Unmanaged.passUnretained(stopCheck).toOpaque()
            control.should_stop = { context in
                guard let context else { return 0 }
                return Unmanaged<StopCheck>.fromOpaque(context).takeUnretainedValue().shouldStop() ? 1 : 0
            }
        }
        self.stopCheck = stopCheck
        var handle: OpaquePointer?
        var size = codec_size()
        var message = codec_message()
        let open =
            switch format {
            case .jpeg: codec_open_jpeg
            case .png: codec_open_png
            case .webp: codec_open_webp
            }
        let status = open(bytes.baseAddress, bytes.count, control, &handle, &size, &message)
        do throws(ImageError) {
            try Self.check(status, message, format: format, width: 0, height: 0)
            guard size.width > 0, size.height > 0 else {
                throw .corrupt(format: format, reason: "its size is \(size.width)×\(size.height) pixels")
            }
            guard let handle else { throw .outOfMemory(width: 0, height: 0) }
            self.handle = handle
        } catch {
            codec_close(handle)
            throw error
        }
        self.format = format
        width = Int(size.width)
        height = Int(size.height)
    }

    deinit { codec_close(handle) }

    /// Whether the codec supports DCT scaling by 1/2, 1/4 and 1/8.
    var canScale: Bool { codec_can_scale(handle) != 0 }

    /// Starts decoding at the first row of a window.
    ///
    /// - Parameters:
    ///   - columns: the columns of the scaled image to decode; not empty.
    ///   - rows: the rows of the scaled image to decode; not empty.
    ///   - denominator: the DCT scaling denominator: 1, or 2, 4 or 8 if ``canScale``.
    /// - Returns: the columns that each row will have, which contain `columns`.
    mutating func begin(
        columns: Range<Int>, rows: Range<Int>, denominator: Int = 1
    ) throws(ImageError) -> Range<Int> {
        var window = codec_window(
            left: UInt32(columns.lowerBound), top: UInt32(rows.lowerBound), width: UInt32(columns.count),
            height: UInt32(rows.count))
        var message = codec_message()
        try check(codec_begin(handle, UInt32(denominator), &window, &message), message)
        let given = Int(window.left)..<Int(window.left) + Int(window.width)
        precondition(given.contains(columns), "columns \(columns) were asked for, and the codec gives \(given)")
        return given
    }

    /// Decodes the next rows as RGB, `stride` bytes apart.
    mutating func read(
        rowCount: Int, to rows: UnsafeMutablePointer<UInt8>, stride: Int
    ) throws(ImageError) {
        var message = codec_message()
        try check(codec_read_rows(handle, rows, stride, UInt32(rowCount), &message), message)
    }

    /// Reads the rest of the file below the window, so that a truncated file is detected.
    mutating func finish() throws(ImageError) {
        var message = codec_message()
        try check(codec_finish(handle, &message), message)
    }

    private func check(_ status: codec_status, _ message: codec_message) throws(ImageError) {
        try Self.check(status, message, format: format, width: width, height: height)
    }

    private static func check(
        _ status: codec_status, _ message: codec_message, format: ImageFormat, width: Int, height: Int
    ) throws(ImageError) {
        switch status {
        case codec_ok: return
        case codec_truncated: throw .truncated(format: format)
        case codec_unsupported: throw .unsupportedVariety(format: format, reason: text(message))
        case codec_stopped: throw .stopped
        case codec_out_of_memory: throw .outOfMemory(width: width, height: height)
        default: throw .corrupt(format: format, reason: text(message))
        }
    }

    private static func text(_ message: codec_message) -> String {
        withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Boxes the cancellation closure, so that C can pass it around as a pointer.
private final class StopCheck {
    let shouldStop: () -> Bool

    init(_ shouldStop: @escaping () -> Bool) { self.shouldStop = shouldStop }
}
