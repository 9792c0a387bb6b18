/// The supported image formats.
public enum ImageFormat: String, Sendable, CaseIterable {
    case jpeg, png, webp

    /// The format's official spelling.
    public var name: String {
        switch self {
        case .jpeg: "JPEG"
        case .png: "PNG"
        case .webp: "WebP"
        }
    }

    /// Recognises a format by its signature (magic number); file names and media types are ignored.
    ///
    /// - Throws: ``ImageError/empty``, or ``ImageError/unsupportedFormat(found:)`` with the format that the bytes look
    ///   like.
    public init(signatureOf bytes: ArraySlice<UInt8>) throws(ImageError) {
        if bytes.isEmpty { throw .empty }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            self = .webp
        } else {
            throw .unsupportedFormat(found: Self.guess(bytes))
        }
    }

    /// The format that the bytes look like, for error messages.
    private static func guess(_ bytes: ArraySlice<UInt8>) -> String {
        let head = bytes.prefix(512)
        func begins(_ signature: String, at offset: Int = 0) -> Bool {
            head.dropFirst(offset).starts(with: Array(signature.utf8))
        }
        if begins("GIF87a") || begins("GIF89a") { return "a GIF" }
        if begins("BM") { return "a BMP" }
        if begins("II*\0") || begins("MM\0*") || begins("II+\0") || begins("MM\0+") { return "a TIFF" }
        if begins("ftyp", at: 4) {
            let brand = head.dropFirst(8).prefix(4)
            if brand.elementsEqual("avif".utf8) || brand.elementsEqual("avis".utf8) { return "an AVIF" }
            if brand.starts(with: "he".utf8) || brand.elementsEqual("mif1".utf8) || brand.elementsEqual("msf1".utf8) {
                return "a HEIC photo"
            }
            return "a video"
        }
        if head.starts(with: [0x00, 0x00, 0x00, 0x0C, 0x6A, 0x50, 0x20, 0x20]) { return "a JPEG 2000" }
        if head.starts(with: [0xFF, 0x0A]) || begins("JXL ", at: 4) { return "a JPEG XL" }
        if head.starts(with: [0x00, 0x00, 0x01, 0x00]) { return "an icon (ICO)" }
        if begins("8BPS") { return "a Photoshop document" }
        if begins("%PDF-") { return "a PDF" }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return "a ZIP archive" }
        if head.starts(with: [0x1F, 0x8B]) { return "gzip data" }
        return guessText(head)
    }

    private static func guessText(_ head: ArraySlice<UInt8>) -> String {
        let isText = head.allSatisfy { $0 >= 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        guard isText else { return "bytes of no known image format" }
        let text = String(decoding: head, as: UTF8.self).lowercased()
        if text.contains("<svg") { return "an SVG" }
        if text.contains("<!doctype html") || text.contains("<html") { return "an HTML page" }
        if text.hasPrefix("data:") { return "a data URL" }
        if text.hasPrefix("{") || text.hasPrefix("[") { return "JSON" }
        return "plain text"
    }
}
