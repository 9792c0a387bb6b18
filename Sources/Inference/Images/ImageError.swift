/// Why bytes are not an image that can be classified.
public enum ImageError: Error, Equatable, Sendable {
    /// There are no bytes.
    case empty

    /// The bytes are no JPEG, PNG or WebP; `found` names what they look like.
    case unsupportedFormat(found: String)

    /// A JPEG, PNG or WebP of a variety that is not decoded, such as 12-bit JPEG.
    case unsupportedVariety(format: ImageFormat, reason: String)

    /// The bytes contradict their format.
    case corrupt(format: ImageFormat, reason: String)

    /// The bytes end before the image does.
    case truncated(format: ImageFormat)

    /// The image has more pixels than are decoded.
    case tooManyPixels(width: Int, height: Int, limit: Int)

    /// One side of the image is longer than is decoded. Units: pixels.
    case sideTooLong(width: Int, height: Int, limit: Int)

    /// The image needs more memory than there is.
    case outOfMemory(width: Int, height: Int)

    /// Its codec would hold more of the image at once than it may. Units: bytes.
    case tooMuchHeld(byteCount: Int, limit: Int)

    /// Decoding was ended by who had asked for it.
    case stopped
}

extension ImageError: CustomStringConvertible {
    /// One plain sentence: what was found, and what would be right.
    public var description: String { description(naming: nil) }

    /// The same, with the names that limits have where they can be changed.
    public func description(naming names: LimitNames?) -> String {
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
            "The \(format.name) file is truncated: its bytes end before the image does; send the whole file."
        case .tooManyPixels(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, \(width.multipliedReportingOverflow(by: height).partialValue) in all, "
                + "and at most \(limit) are decoded\(Self.remark(names?.pixels)); scale it down first."
        case .sideTooLong(let width, let height, let limit):
            "The image has \(width)×\(height) pixels, and at most \(limit) a side are decoded; scale it down first."
        case .outOfMemory(let width, let height):
            "There is not enough memory to decode \(width)×\(height) pixels; scale the image down first."
        case .tooMuchHeld(let byteCount, let limit):
            "The image takes \(byteCount) bytes while it is decoded, as progressive JPEG, interlaced PNG and WebP are held "
                + "whole, and at most \(limit) are lent\(Self.remark(names?.heldBytes)); save it as a baseline JPEG."
        case .stopped: "The image was given up before it was decoded."
        }
    }

    /// What limits are called by who sets them.
    public struct LimitNames: Sendable {
        let pixels: String
        let heldBytes: String

        public init(pixels: String, heldBytes: String) {
            self.pixels = pixels
            self.heldBytes = heldBytes
        }
    }

    private static func remark(_ name: String?) -> String { name.map { " (\($0))" } ?? "" }
}
