import CImageCodecs

/// One format's library: a header, then pixels.
struct ImageCodec {
    let format: ImageFormat

    private typealias SizeVerb = (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<codec_size>?, UnsafeMutablePointer<codec_message>?
    ) -> codec_status
    private typealias DecodeVerb = (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<codec_message>?
    ) -> codec_status

    /// The header's width and height, before anything is allocated for pixels.
    func size(of bytes: [UInt8]) throws(ImageError) -> (width: Int, height: Int) {
        let verb: SizeVerb =
            switch format {
            case .jpeg: codec_jpeg_size
            case .png: codec_png_size
            case .webp: codec_webp_size
            }
        var size = codec_size()
        var message = codec_message()
        let status = bytes.withUnsafeBufferPointer { verb($0.baseAddress, $0.count, &size, &message) }
        try check(status, message, width: 0, height: 0)
        let (width, height) = (Int(size.width), Int(size.height))
        guard width > 0, height > 0 else {
            throw .corrupt(format: format, reason: "its size is \(width)×\(height) pixels")
        }
        return (width, height)
    }

    /// Red, green, blue of every pixel.
    ///
    /// - Parameter width: with `height`, as ``size(of:)`` gave them, and small enough that three bytes a pixel fit an `Int`.
    func pixels(of bytes: [UInt8], width: Int, height: Int) throws(ImageError) -> [UInt8] {
        let verb: DecodeVerb =
            switch format {
            case .jpeg: codec_jpeg_decode
            case .png: codec_png_decode
            case .webp: codec_webp_decode
            }
        let byteCount = width * height * 3
        var message = codec_message()
        var status = codec_ok
        let pixels = bytes.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
                status = verb(input.baseAddress, input.count, output.baseAddress, byteCount, &message)
                count = status == codec_ok ? byteCount : 0
            }
        }
        try check(status, message, width: width, height: height)
        return pixels
    }

    private func check(_ status: codec_status, _ message: codec_message, width: Int, height: Int) throws(ImageError) {
        switch status {
        case codec_ok: return
        case codec_truncated: throw .truncated(format: format)
        case codec_unsupported: throw .unsupportedVariety(format: format, reason: Self.text(message))
        case codec_out_of_memory: throw .outOfMemory(width: width, height: height)
        default: throw .corrupt(format: format, reason: Self.text(message))
        }
    }

    private static func text(_ message: codec_message) -> String {
        withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
