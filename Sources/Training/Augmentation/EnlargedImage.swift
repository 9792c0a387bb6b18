import Inference

/// An image resized to somewhat more than the network's input, so that there is room to cut inputs out of it: 256 pixels
/// for 224, as in the paper.
///
/// - Source: Krizhevsky et al. 2012, §2 and §4.1
struct EnlargedImage: Equatable {
    /// Of the whole image resized. Units: pixels.
    let height: Int
    let width: Int
    /// The part in the middle that inputs are cut out of; all of it where the image is stretched.
    let rows: Range<Int>
    let columns: Range<Int>
    /// The network's input. Units: pixels.
    let outputHeight: Int
    let outputWidth: Int

    /// How many pixels there are for one of the input.
    static let usual = 256.0 / 224

    /// - Parameter enlargement: at least 1.
    init(_ image: PixelImage, for preprocessing: Preprocessing, enlargement: Double = usual) {
        precondition(enlargement >= 1, "an enlargement of \(enlargement) leaves no room")
        (outputHeight, outputWidth) = (preprocessing.outputShape[1], preprocessing.outputShape[2])
        let high = Int((Double(outputHeight) * enlargement).rounded())
        let wide = Int((Double(outputWidth) * enlargement).rounded())
        switch preprocessing.resize {
        case .stretch: (height, width) = (high, wide)
        case .shortest:
            // The longer side is rounded down, as torchvision does it.
            let side = max(high, wide)
            let long =
                Int(Double(side * max(image.height, image.width)) / Double(min(image.height, image.width)))
            (height, width) = image.height <= image.width ? (side, long) : (long, side)
        }
        let (top, left) = ((height - high) / 2, (width - wide) / 2)
        (rows, columns) = (top..<top + high, left..<left + wide)
    }

    /// The input whose first pixel lies this far down and right from the first that is allowed.
    func part(of image: PixelImage, down: Int, right: Int) -> ResizedCrop {
        let top = rows.lowerBound + down
        let left = columns.lowerBound + right
        return ResizedCrop(
            wholeOf: image, height: height, width: width, rowWindow: top..<top + outputHeight,
            columnWindow: left..<left + outputWidth)
    }

    /// How far down and right an input may lie at most. Units: pixels.
    var room: (down: Int, right: Int) { (rows.count - outputHeight, columns.count - outputWidth) }
}

/// An image as the paper tests it: four corners and the centre of its enlargement, and the mirror images of these.
///
/// In torchvision's order: top left, top right, bottom left, bottom right, centre, then the same of the mirror image.
/// - Source: Krizhevsky et al. 2012, §4.1; torchvision `TenCrop`
public struct TenCrop: Sendable {
    /// How many there are.
    public static let count = 10

    private let preprocessing: Preprocessing

    /// Crops for a model's preprocessing, which says how images are resized and normalised.
    public init(_ preprocessing: Preprocessing) { self.preprocessing = preprocessing }

    /// All ten, as one batch.
    ///
    /// Shape: `[10, H, W, C]`
    public func callAsFunction(_ image: PixelImage) -> Tensor {
        Tensor(Shape([Self.count] + preprocessing.tensorShape.extents)) { write(image, into: $0) }
    }

    /// The same into memory of the caller's.
    ///
    /// - Parameter output: at least ten times as many scalars as ``Preprocessing/tensorShape`` has.
    public func write(_ image: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        let enlarged = EnlargedImage(image, for: preprocessing)
        let room = enlarged.room
        // torchvision's centre: half a pixel goes to the even side.
        let middle = (
            Int((Double(room.down) / 2).rounded(.toNearestOrEven)),
            Int((Double(room.right) / 2).rounded(.toNearestOrEven))
        )
        let places = [(0, 0), (0, room.right), (room.down, 0), (room.down, room.right), middle]
        let count = preprocessing.outputShape.elementCount
        for (index, place) in (places + places).enumerated() {
            let isMirrored = index >= places.count
            let part = enlarged.part(
                of: image, down: place.0, right: isMirrored ? room.right - place.1 : place.1)
            var raster = part.resized(image, turnsGrey: preprocessing.colour == .grey)
            if isMirrored { raster.mirror() }
            raster.normalize(
                preprocessing, into: UnsafeMutableBufferPointer(rebasing: output[index * count..<(index + 1) * count]))
        }
    }
}
