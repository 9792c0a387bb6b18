import CKernels

/// How a picture must be turned and mirrored to stand upright.
///
/// - Source: Exif 2.32 §4.6.4, tag 0x0112
enum Orientation: Int, CaseIterable, Sendable {
    case upright = 1
    case mirrored, upsideDown, flipped, transposed, turnedLeft, transversed, turnedRight

    /// Do width and height change places?
    var swapsSides: Bool { rawValue >= 5 }

    /// The upright picture.
    func applied(to image: PixelImage) -> PixelImage {
        if self == .upright || image.channelCount != 3 { return image }
        let (width, height) = (image.width, image.height)
        let outputWidth = swapsSides ? height : width
        let outputHeight = swapsSides ? width : height
        let bottomRow = (height - 1) * width
        // Where output (0, 0) lies in the input, and how far one step right and one step down lead there.
        let (origin, stepX, stepY) =
            switch self {
            case .upright: (0, 1, width)
            case .mirrored: (width - 1, -1, width)
            case .upsideDown: (bottomRow + width - 1, -1, -width)
            case .flipped: (bottomRow, 1, -width)
            case .transposed: (0, width, 1)
            case .turnedLeft: (bottomRow, -width, 1)
            case .transversed: (bottomRow + width - 1, -width, -1)
            case .turnedRight: (width - 1, width, -1)
            }
        let pixels = image.pixels.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: image.pixels.count) { output, count in
                resize_reorder(
                    input.baseAddress, origin, stepX, stepY, output.baseAddress, outputWidth, outputHeight)
                count = image.pixels.count
            }
        }
        return PixelImage(width: outputWidth, height: outputHeight, channelCount: 3, pixels: pixels)
    }
}
