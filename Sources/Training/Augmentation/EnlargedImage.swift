import Inference

/// An image resized to more than the network's input, so that inputs can be cropped out of it: 256 pixels for an input
/// of 224, as in the paper.
///
/// - Source: Krizhevsky et al. 2012, §2 and §4.1
struct EnlargedImage: Equatable {
    /// The size of the whole resized image. Units: pixels.
    let height: Int
    let width: Int
    /// The central part that crops are taken from; the whole image if it is stretched. Units: pixels.
    let rows: Range<Int>
    let columns: Range<Int>
    /// The size of the network's input. Units: pixels.
    let outputHeight: Int
    let outputWidth: Int

    /// The paper's enlargement. Units: enlarged side / input side.
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
            // torchvision rounds the longer side down.
            let side = max(high, wide)
            let long =
                Int(Double(side * max(image.height, image.width)) / Double(min(image.height, image.width)))
            (height, width) = image.height <= image.width ? (side, long) : (long, side)
        }
        let (top, left) = ((height - high) / 2, (width - wide) / 2)
        (rows, columns) = (top..<top + high, left..<left + wide)
    }

    /// The crop at an offset of `down` rows and `right` columns from the top left one. Units: pixels.
    func part(of image: PixelImage, down: Int, right: Int) -> ResizedCrop {
        let top = rows.lowerBound + down
        let left = columns.lowerBound + right
        return ResizedCrop(
            wholeOf: image, height: height, width: width, rowWindow: top..<top + outputHeight,
            columnWindow: left..<left + outputWidth)
    }

    /// The largest offsets of a crop. Units: pixels.
    var room: (down: Int, right: Int) { (rows.count - outputHeight, columns.count - outputWidth) }
}

/// The ten crops that the paper averages over at test time: the four corners and the centre of the enlarged image, and
/// their horizontal flips.
///
/// In torchvision's order: top left, top right, bottom left, bottom right, centre, then the same of the flipped image.
/// - Source: Krizhevsky et al. 2012, §4.1; torchvision `TenCrop`
public struct TenCrop: Sendable {
    /// The number of crops.
    public static let count = 10

    private let preprocessing: Preprocessing

    /// Ten crops for a model, whose preprocessing says how images are resized and normalised.
    public init(_ preprocessing: Preprocessing) { self.preprocessing = preprocessing }

    /// All ten crops as one batch.
    ///
    /// Shape: `[10, H, W, C]`
    public func callAsFunction(_ image: PixelImage) -> Tensor {
        Tensor(Shape([Self.count] + preprocessing.tensorShape.extents)) { write(image, into: $0) }
    }

    /// Writes the ten crops into the caller's memory.
    ///
    /// - Parameter output: room for at least ten times the scalars of ``Preprocessing/tensorShape``.
    public func write(_ image: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        let enlarged = EnlargedImage(image, for: preprocessing)
        let room = enlarged.room
        // torchvision's centre: half pixels are rounded to even.
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
