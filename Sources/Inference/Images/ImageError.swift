/// Why bytes are not a picture that can be classified.
public enum ImageError: Error, Equatable, Sendable {
    /// There are no bytes.
    case empty

    /// The bytes are no JPEG, PNG or WebP; `found` names what they look like.
    case unsupportedFormat(found: String)

    /// A JPEG, PNG or WebP of a variety that is not decoded, such as 12-bit JPEG.
    case unsupportedVariety(format: ImageFormat, reason: String)

    /// The bytes contradict their format.
    case corrupt(format: ImageFormat, reason: String)

    /// The bytes end before the picture does.
    case truncated(format: ImageFormat)

    /// The picture has more pixels than are decoded.
    case tooManyPixels(width: Int, height: Int, limit: Int)

    /// One side of the picture is longer than is decoded. Units: pixels.
    case sideTooLong(width: Int, height: Int, limit: Int)

    /// The picture needs more memory than there is.
    case outOfMemory(width: Int, height: Int)
}

extension ImageError: CustomStringConvertible {
    /// One plain sentence: what was found, and what would be right.
    public var description: String {
        switch self {
        case .empty:
            "The image is empty; send the bytes of a JPEG, PNG or WebP file."
        case .unsupportedFormat(let found):
            "The image looks like \(found); send a JPEG, PNG or WebP file."
        case .unsupportedVariety(let format, let reason):
            "The \(format.name) file is of a kind that is not decoded (\(reason)); save it as a plain JPEG, PNG or WebP."
        case .corrupt(let format, let reason):
            "The \(format.name) file is corrupt (\(reason)); send the original file again."
        case .truncated(let format):
            "The \(format.name) file is truncated: its bytes end before the picture does; send the whole file."
        case .tooManyPixels(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, and at most \(limit) in all are decoded; scale it down first."
        case .sideTooLong(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, and at most \(limit) a side are decoded; scale it down first."
        case .outOfMemory(let width, let height):
            "There is not enough memory to decode \(width)×\(height) pixels; scale the image down first."
        }
    }
}
