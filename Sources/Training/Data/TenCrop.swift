import Inference

/// A picture as the paper tests it: four corners and the centre of its enlargement, and the mirror images of these.
///
/// In torchvision's order: top left, top right, bottom left, bottom right, centre, then the same of the mirror image.
/// - Source: Krizhevsky et al. 2012, §4.1; torchvision `TenCrop`
public struct TenCrop: Sendable {
    /// How many there are.
    public static let count = 10

    private let preprocessing: Preprocessing

    /// Crops for a model's preprocessing, which says how pictures are resized and normalised.
    public init(_ preprocessing: Preprocessing) { self.preprocessing = preprocessing }

    /// All ten, as one batch.
    ///
    /// Shape: `[10, H, W, C]`
    public func callAsFunction(_ picture: PixelImage) -> Tensor {
        Tensor(Shape([Self.count] + preprocessing.tensorShape.extents)) { write(picture, into: $0) }
    }

    /// The same into memory of the caller's.
    ///
    /// - Parameter output: at least ten times as many scalars as ``Preprocessing/tensorShape`` has.
    public func write(_ picture: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        let enlarged = EnlargedPicture(picture, for: preprocessing)
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
                of: picture, down: place.0, right: isMirrored ? room.right - place.1 : place.1)
            var raster = part.resized(picture, turnsGrey: preprocessing.colour == .grey)
            if isMirrored { raster.mirror() }
            raster.normalize(
                preprocessing, into: UnsafeMutableBufferPointer(rebasing: output[index * count..<(index + 1) * count]))
        }
    }
}
