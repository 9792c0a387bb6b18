/// Why a file could not be decoded to an image. Sizes are in pixels unless stated otherwise.
public enum ImageError: Error, Equatable, Sendable {
    /// The file has no bytes.
    case empty

    /// The file is not JPEG, PNG or WebP; `found` names the format that its bytes look like.
    case unsupportedFormat(found: String)

    /// The file is well-formed but uses a feature that is not supported, such as 12-bit samples in JPEG.
    case unsupportedVariety(format: ImageFormat, reason: String)

    /// The bytes violate their format.
    case corrupt(format: ImageFormat, reason: String)

    /// The file ends before the last pixel.
    case truncated(format: ImageFormat)

    /// The image has more than `limit` pixels. Units: pixels.
    case tooManyPixels(width: Int, height: Int, limit: Int)

    /// One side of the image is longer than `limit`. Units: pixels.
    case sideTooLong(width: Int, height: Int, limit: Int)

    /// Memory for decoding an image of this size could not be allocated. Units: pixels.
    case outOfMemory(width: Int, height: Int)

    /// The codec would need `byteCount` bytes of working memory, more than `limit`: progressive JPEG, interlaced PNG
    /// and WebP are decoded as a whole. Units: bytes.
    case tooMuchHeld(byteCount: Int, limit: Int)

    /// The caller cancelled decoding.
    case stopped
}

extension ImageError: CustomStringConvertible {
    /// One plain sentence: what was found, and what is accepted.
    public var description: String { description(naming: nil) }

    /// The same, with the names of the settings that change the limits.
    public func description(naming names: LimitNames?) -> String {
        switch self {
        case .empty:
            "The image is empty; send the bytes of a JPEG, PNG or WebP file."
        case .unsupportedFormat(let found):
            "The image looks like \(found); send a JPEG, PNG or WebP file."
        case .unsupportedVariety(let format, let reason):
            "The \(format.name) file uses a feature that is not supported (\(reason)); save it as a plain JPEG, PNG or WebP."
        case .corrupt(let format, let reason):
            "The \(format.name) file is corrupt (\(reason)); send the original file again."
        case .truncated(let format):
            "The \(format.name) file is truncated: its bytes end before the image does; send the whole file."
        case .tooManyPixels(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, \(width.multipliedReportingOverflow(by: height).partialValue) in all, "
                + "and at most \(limit) are decoded\(Self.remark(names?.pixels)); scale it down first."
        case .sideTooLong(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, and at most \(limit) a side are decoded; scale it down first."
        case .outOfMemory(let width, let height):
            "There is not enough memory to decode \(width)×\(height) pixels; scale the image down first."
        case .tooMuchHeld(let byteCount, let limit):
            "The image takes \(byteCount) bytes of memory while it is decoded, because progressive JPEG, interlaced PNG and WebP "
                + "are decoded as a whole, and at most \(limit) are allowed\(Self.remark(names?.heldBytes)); "
                + "save it as a baseline JPEG."
        case .stopped: "Decoding was cancelled before it was complete."
        }
    }

    /// The names of the settings that change the limits, for error messages.
    public struct LimitNames: Sendable {
        let pixels: String
        let heldBytes: String

        /// The names of the settings for the number of pixels and for the working memory.
        public init(pixels: String, heldBytes: String) {
            self.pixels = pixels
            self.heldBytes = heldBytes
        }
    }

    private static func remark(_ name: String?) -> String { name.map { " (\($0))" } ?? "" }
}
