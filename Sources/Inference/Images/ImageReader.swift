import CImageCodecs

/// A file's pixels from top to bottom, some rows at a time, as its format's library has them.
///
/// The bytes must outlive the reader.
struct ImageReader: ~Copyable {
    let format: ImageFormat

    /// The header's size, before anything is scaled. Units: pixels.
    let width: Int
    let height: Int

    private let handle: OpaquePointer
    private let watch: CodecWatch?

    /// Reads the header, before anything is allocated for pixels.
    ///
    /// - Parameters:
    ///   - byteLimit: of a JPEG's coefficients; 0 for none.
    ///   - shouldStop: asked every few milliseconds, on the thread that reads; see ``ImageError/stopped``.
    init(
        _ bytes: UnsafeBufferPointer<UInt8>, format: ImageFormat, byteLimit: Int = 0, shouldStop: (() -> Bool)? = nil
    ) throws(ImageError) {
        let watch = shouldStop.map(CodecWatch.init)
        var control = codec_control()
        control.byte_limit = byteLimit
        if let watch {
            // The reader keeps it alive.
            control.context = Unmanaged.passUnretained(watch).toOpaque()
            control.should_stop = { context in
                guard let context else { return 0 }
                return Unmanaged<CodecWatch>.fromOpaque(context).takeUnretainedValue().shouldStop() ? 1 : 0
            }
        }
        self.watch = watch
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

    /// Can the library decode to a half, a quarter or an eighth of each side?
    var canScale: Bool { codec_can_scale(handle) != 0 }

    /// Goes to the first row that is wanted.
    ///
    /// - Parameters:
    ///   - columns: what is wanted of each row of the image divided by `denominator`, not empty.
    ///   - rows: the rows that are wanted, not empty.
    ///   - denominator: 1, or 2, 4 or 8 where ``canScale``.
    /// - Returns: the columns that each row will have, which hold the ones that are wanted.
    mutating func begin(
        columns: Range<Int>, rows: Range<Int>, denominator: Int = 1
    ) throws(ImageError) -> Range<Int> {
        var window = codec_window(
            left: UInt32(columns.lowerBound), top: UInt32(rows.lowerBound), width: UInt32(columns.count),
            height: UInt32(rows.count))
        var message = codec_message()
        try check(codec_begin(handle, UInt32(denominator), &window, &message), message)
        let given = Int(window.left)..<Int(window.left) + Int(window.width)
        precondition(given.contains(columns), "columns \(columns) were wanted, and \(given) came")
        return given
    }

    /// Reads the next rows, red, green and blue, `stride` bytes apart.
    mutating func read(
        rowCount: Int, to rows: UnsafeMutablePointer<UInt8>, stride: Int
    ) throws(ImageError) {
        var message = codec_message()
        try check(codec_read_rows(handle, rows, stride, UInt32(rowCount), &message), message)
    }

    /// Reads what is below the rows that were wanted, so that a file that is cut short is told from a whole one.
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

/// What a codec asks in between; an object, so that it can be found again from C.
private final class CodecWatch {
    let shouldStop: () -> Bool

    init(_ shouldStop: @escaping () -> Bool) { self.shouldStop = shouldStop }
}
