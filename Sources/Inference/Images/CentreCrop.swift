/// Where a centre crop lies along one axis, as torchvision's `CenterCrop` places it. Units: pixels.
struct CentreCrop: Equatable {
    /// What is taken of the axis.
    let window: Range<Int>

    /// How much is added before it, where the axis is shorter than the crop.
    let padding: Int

    /// Is anything added, before or after?
    let isPadded: Bool

    init(of length: Int, to cropLength: Int) {
        isPadded = cropLength > length
        if isPadded {
            window = 0..<length
            padding = (cropLength - length) / 2
        } else {
            // Half a pixel goes to the even side: Python's rounding.
            let start = Int((Double(length - cropLength) / 2).rounded(.toNearestOrEven))
            window = start..<start + cropLength
            padding = 0
        }
    }
}
