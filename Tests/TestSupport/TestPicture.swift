import Foundation

/// Pictures small enough to stand in the source.
public enum TestPicture {
    /// A PNG of one grey pixel.
    public static let png = decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")

    /// The same, cut off in the middle of its pixels.
    public static let truncatedPNG = Array(png.prefix(45))

    /// A PNG that claims 60,000 by 60,000 pixels.
    public static let hugePNG = decode(
        "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAAAAACluSqeAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")

    /// A GIF, which is not served.
    public static let gif = Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0, 0x3B]

    private static func decode(_ base64: String) -> [UInt8] { [UInt8](Data(base64Encoded: base64) ?? Data()) }

    /// A form with one file a picture.
    public static func form(
        _ pictures: [(name: String, bytes: [UInt8])], boundary: String = "boundary", field: String = "image"
    ) -> [UInt8] {
        var body: [UInt8] = []
        for picture in pictures {
            body += Array(
                ("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(field)\"; filename=\"\(picture.name)\"\r\n"
                    + "Content-Type: application/octet-stream\r\n\r\n").utf8)
            body += picture.bytes + Array("\r\n".utf8)
        }
        return body + Array("--\(boundary)--\r\n".utf8)
    }
}
