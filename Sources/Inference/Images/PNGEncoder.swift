import CImageCodecs

/// Encodes images as PNG files with eight bits per channel.
public enum PNGEncoder {
    /// The bytes of a PNG file: grey for one channel, RGB for three.
    ///
    /// - Throws: ``PNGEncoderError`` if a side is longer than libpng can write, or if memory runs out.
    public static func encode(_ image: PixelImage) throws(PNGEncoderError) -> [UInt8] {
        guard let width = UInt32(exactly: image.width), let height = UInt32(exactly: image.height) else {
            throw PNGEncoderError(reason: "its sides are too long")
        }
        var bytes: UnsafeMutablePointer<UInt8>?
        var count = 0
        var message = codec_message()
        let status = image.pixels.withUnsafeBufferPointer { pixels in
            codec_encode_png(
                pixels.baseAddress, width, height, Int32(image.channelCount), &bytes, &count, &message)
        }
        defer { codec_free(bytes) }
        guard status == codec_ok else {
            let reason = withUnsafeBytes(of: message.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw PNGEncoderError(reason: reason)
        }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }
}

/// An image could not be encoded as PNG.
public struct PNGEncoderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The message of libpng.
    let reason: String

    /// One sentence.
    public var description: String { "The image cannot be written as PNG (\(reason))." }
}
