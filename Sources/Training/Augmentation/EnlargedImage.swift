import Inference

/// A picture resized to somewhat more than the network's input, so that there is room to cut inputs out of it: 256 pixels
/// for 224, as in the paper.
///
/// - Source: Krizhevsky et al. 2012, §2 and §4.1
struct EnlargedPicture: Equatable {
    /// Of the whole picture resized. Units: pixels.
    let height: Int
    let width: Int
    /// The part in the middle that inputs are cut out of; all of it where the picture is stretched.
    let rows: Range<Int>
    let columns: Range<Int>
    /// The network's input. Units: pixels.
    let outputHeight: Int
    let outputWidth: Int

    /// How many pixels there are for one of the input.
    static let usual = 256.0 / 224

    /// - Parameter enlargement: at least 1.
    init(_ picture: PixelImage, for preprocessing: Preprocessing, enlargement: Double = usual) {
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
                Int(Double(side * max(picture.height, picture.width)) / Double(min(picture.height, picture.width)))
            (height, width) = picture.height <= picture.width ? (side, long) : (long, side)
        }
        let (top, left) = ((height - high) / 2, (width - wide) / 2)
        (rows, columns) = (top..<top + high, left..<left + wide)
    }

    /// The input whose first pixel lies this far down and right from the first that is allowed.
    func part(of picture: PixelImage, down: Int, right: Int) -> PicturePart {
        let top = rows.lowerBound + down
        let left = columns.lowerBound + right
        return PicturePart(
            wholeOf: picture, height: height, width: width, rowWindow: top..<top + outputHeight,
            columnWindow: left..<left + outputWidth)
    }

    /// How far down and right an input may lie at most. Units: pixels.
    var room: (down: Int, right: Int) { (rows.count - outputHeight, columns.count - outputWidth) }
}
